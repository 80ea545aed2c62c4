import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalizePath } from '../../src/domain/request-target.ts';

const hexDigit = fc.constantFrom(...'0123456789abcdefABCDEF');
const escape_ = fc.tuple(hexDigit, hexDigit).map(([high, low]) => `%${high}${low}`);
/** Raw paths made of what confuses servers, with enough plain text that many are legitimate. */
const rawPath = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom('/', 'a', 'b', '.', '..', '~', '@', ':', '[', '|', '-') },
      {
        weight: 2,
        arbitrary: fc.constantFrom('%2e', '%2E', '%25', '%20', '%C3%A9', '%7e', '%41', '%32', '%65', '%2F'),
      },
      { weight: 2, arbitrary: escape_ },
      { weight: 1, arbitrary: fc.constantFrom('%', '\\', ';', '//', '%c0%af', '%u0041', ' ', '\u0000') },
      { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 3 }) },
    ),
    { maxLength: 12 },
  )
  .map((parts) => `/${parts.join('')}`);
/** Segments of any text that a path may carry, as `encodeURIComponent` writes them. */
const honestSegment = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 8 })
  .filter((text) => !/[/\\;\p{Cc}]/u.test(text) && !/%[0-9A-Fa-f]{2}/.test(text) && text !== '.' && text !== '..');

describe('the canonical path', () => {
  it('is its own canonical form', () => {
    fc.assert(
      fc.property(rawPath, (raw) => {
        const once = canonicalizePath(raw);
        if (once.ok) expect(canonicalizePath(once.path)).toEqual(once);
      }),
      { numRuns: 5000 },
    );
  });

  it('means what the raw path meant to a server that decodes once', () => {
    fc.assert(
      fc.property(rawPath, (raw) => {
        const canonical = canonicalizePath(raw);
        if (canonical.ok) expect(decodeURIComponent(canonical.path)).toBe(decodeURIComponent(raw));
      }),
      { numRuns: 5000 },
    );
  });

  it('holds nothing that decoding once or twice could turn into another structure', () => {
    fc.assert(
      fc.property(rawPath, (raw) => {
        const canonical = canonicalizePath(raw);
        if (!canonical.ok) return;
        const once = decodeURIComponent(canonical.path);
        expect(canonical.path).toMatch(/^[!-~]+$/);
        expect(once).not.toMatch(/\/\/|\\|;|\p{Cc}|(?:^|\/)\.{1,2}(?:\/|$)/u);
        // One escape more: a server that decodes twice must find nothing left to decode.
        expect(once).not.toMatch(/%[0-9A-Fa-f]{2}/);
        expect(once.split('/').length).toBe(canonical.path.split('/').length);
      }),
      { numRuns: 5000 },
    );
  });

  it('exists for every path that a careful client writes, and carries the same text', () => {
    fc.assert(
      fc.property(fc.array(honestSegment, { minLength: 1, maxLength: 5 }), (segments) => {
        const canonical = canonicalizePath(`/${segments.map(encodeURIComponent).join('/')}`);
        if (!canonical.ok) throw new Error(`${JSON.stringify(segments)}: ${canonical.wrong}`);
        expect(canonical.path.slice(1).split('/').map(decodeURIComponent)).toEqual(segments);
      }),
      { numRuns: 1000 },
    );
  });

  it('is one for all spellings of the unreserved characters', () => {
    const spelled = fc.tuple(fc.constantFrom(...'aZ09-_.~'), fc.constantFrom('bare', 'upper', 'lower'));
    fc.assert(
      fc.property(fc.array(spelled, { minLength: 1, maxLength: 6 }), (parts) => {
        const bare = parts.map(([char]) => char).join('');
        fc.pre(bare !== '.' && bare !== '..');
        const raw = parts.map(([char, how]) => {
          const hex = `%${char.charCodeAt(0).toString(16)}`;
          if (how === 'bare') return char;
          return how === 'upper' ? hex.toUpperCase() : hex;
        });
        expect(canonicalizePath(`/x/${raw.join('')}`)).toEqual({ ok: true, path: `/x/${bare}` });
      }),
    );
  });
});
