import { parsePreferences } from './preference.ts';
import { DE } from './texts/de.ts';
import { EN } from './texts/en.ts';
import { FA } from './texts/fa.ts';
import type { Language, PageText } from './texts/page-text.ts';

/** The languages of the page; the first one is the default. */
export const LANGUAGES: readonly [Language, ...Language[]] = [
  { tag: 'en', direction: 'ltr', texts: EN },
  { tag: 'de', direction: 'ltr', texts: DE },
  { tag: 'fa', direction: 'rtl', texts: FA },
];

/** The language of the page that a client prefers (RFC 4647 lookup). */
export function chooseLanguage(acceptLanguage: string | undefined): Language {
  let best: Language = LANGUAGES[0];
  let weight = 0;
  for (const preference of parsePreferences(acceptLanguage ?? '')) {
    const [primary] = preference.value.split('-', 1);
    const found = LANGUAGES.find(({ tag }) => tag === primary);
    if (found === undefined || preference.weight <= weight) continue;
    best = found;
    weight = preference.weight;
  }
  return best;
}

/** A text with its placeholders filled in. */
export function say({ texts }: Language, text: PageText, values: Readonly<Record<string, string>> = {}): string {
  return texts[text].replace(/\{(\w+)\}/g, (place, name: string) => values[name] ?? place);
}
