import { describe, expect, it } from 'vitest';
import { chooseLanguage, LANGUAGES, say } from '../../../src/paywall/language.ts';
import { prefersHtml } from '../../../src/paywall/preference.ts';

describe('whether a client would rather have a page', () => {
  it.each([
    ['Chrome', 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8'],
    ['Firefox', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'],
    ['Safari', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'],
    ['HTML alone', 'text/html'],
    ['HTML before JSON', 'application/json;q=0.5, TEXT/HTML;q=0.9'],
    ['HTML in a small weight, and nothing else', 'text/html;q=0.001'],
  ])('says yes to %s', (_name, accept) => {
    expect(prefersHtml(accept)).toBe(true);
  });

  it.each([
    ['nothing', undefined],
    ['an empty field', ''],
    ['curl and fetch', '*/*'],
    ['axios', 'application/json, text/plain, */*'],
    ['JSON before HTML', 'application/json, text/html;q=0.9'],
    ['both alike', 'application/json, text/html'],
    ['anything alike', 'text/html, */*'],
    ['any text', 'text/*'],
    ['HTML refused', 'text/html;q=0, */*'],
    ['a weight that cannot be read', 'text/html;q=2'],
    ['event streams', 'text/event-stream'],
    ['a name that only begins alike', 'text/html5'],
  ])('says no to %s', (_name, accept) => {
    expect(prefersHtml(accept)).toBe(false);
  });

  it('reads a field of any length at once', () => {
    expect(prefersHtml(`${'a/b;q=0.1,'.repeat(100_000)}text/html`)).toBe(false);
  });
});

describe('the language of the page', () => {
  it.each([
    [undefined, 'en'],
    ['de-AT,de;q=0.9,en;q=0.8', 'de'],
    ['fr, fa-IR;q=0.5', 'fa'],
    ['en;q=0.2, de;q=0.7', 'de'],
    ['de;q=0', 'en'],
    ['*', 'en'],
  ])('for %s is %s', (field, tag) => {
    expect(chooseLanguage(field).tag).toBe(tag);
  });

  it.each(LANGUAGES)('$tag has every text with its placeholders', ({ texts, tag }) => {
    const placesOf = (text: string): string[] => (text.match(/\{\w+\}/g) ?? []).sort();
    const [english] = LANGUAGES;
    const wrong = Object.entries(english.texts).filter(([name, text]) => {
      const translated = Object.entries(texts).find(([other]) => other === name)?.[1] ?? '';
      return translated.trim() === '' || placesOf(translated).join() !== placesOf(text).join();
    });
    expect(wrong, tag).toEqual([]);
  });

  it('fills in what is given and leaves the rest', () => {
    expect(say(LANGUAGES[0], 'onNetwork', { network: '{price}' })).toBe('on {price}');
    expect(say(LANGUAGES[0], 'onNetwork')).toBe('on {network}');
  });
});
