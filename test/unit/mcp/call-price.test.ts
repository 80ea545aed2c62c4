import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { McpTarget, McpTerms } from '../../../src/domain/mcp-terms.ts';
import type { RoutePrice } from '../../../src/domain/route-price.ts';
import { priceOfCall } from '../../../src/mcp/call-price.ts';
import { readingsOf } from '../../../src/mcp/name-forms.ts';

function price(id: string, text: string): RoutePrice {
  const facts = { id, when: [], description: undefined };
  if (text === 'free') return { kind: 'free', ...facts };
  return {
    kind: 'priced',
    ...facts,
    text,
    offers: [],
    settle: 'after',
    metering: undefined,
    charge: { statuses: [], unlessJson: [] },
    access: undefined,
  };
}

/** Longer patterns come first, as the configuration has them. */
function terms(target: McpTarget, prices: Readonly<Record<string, string>>, otherwise = 'refuse'): McpTerms {
  return {
    prices: Object.entries(prices).map(([pattern, text]) => ({ target, pattern, price: price(pattern, text) })),
    otherwise: otherwise === 'refuse' ? 'refuse' : price('otherwise', otherwise),
    binding: 'result',
    describes: false,
  };
}

/** What a call costs; `refuse` where it is not for sale, `ambiguous` where it has two readings. */
function cost(given: McpTerms, target: McpTarget, name: string): string {
  try {
    const found = priceOfCall(given, { target, name });
    if (found === 'refuse') return found;
    return found.kind === 'free' ? 'free' : found.text;
  } catch (fault) {
    expect(fault).toMatchObject({ code: 'body_ambiguous' });
    return 'ambiguous';
  }
}

const PAGES = terms('resource', { 'page://premium*': '$5', 'page://*': 'free' });
const REST_FREE = terms('resource', { 'page://premium*': '$5' }, 'free');

describe('the price of a resource', () => {
  it.each([
    'page://pre\tmium',
    'page://pre\nmium',
    ' page://premium',
    'page://premium ',
    '\u0001page://premium',
    'page:\t//premium',
    'page://a\u00a0b',
    'page://a\u2028b',
    '\ufeffpage://premium',
  ])('is refused for a URI with a blank or a control character, whatever it would cost: %j', (uri) => {
    expect([PAGES, REST_FREE, terms('resource', {}, '$5')].map((each) => cost(each, 'resource', uri))).toEqual([
      'ambiguous',
      'ambiguous',
      'ambiguous',
    ]);
  });

  it.each([
    'PAGE://premium',
    'page://PREMIUM',
    'page://Premium/x',
    'page://%70remium',
    'page://%2570remium',
    'page://pre%09mium',
    'page://pre\u00admium',
    'page://pre\u200bmium',
    'page:\\\\premium',
    'page://ｐremium',
    'page://\u212aey',
    'page:/premium/../premium',
  ])('is refused for a URI whose other reading has another price: %j', (uri) => {
    const given = terms('resource', { 'page://premium*': '$5', 'page:/premium': '$5', 'page://key': '$5' }, 'free');
    expect(cost(given, 'resource', uri)).toBe('ambiguous');
  });

  it.each([
    ['file:///free/../premium/b', { 'file:///premium/*': '$5', 'file:///*': 'free' }],
    ['file:///free/area/../../premium/b', { 'file:///free/area/*': 'free', 'file:///premium/*': '$5' }],
    ['file:///free/%2e%2e/premium/b', { 'file:///premium/*': '$5', 'file:///*': 'free' }],
    ['file:///free/..%2fpremium/b', { 'file:///premium/*': '$5', 'file:///*': 'free' }],
    ['file:///free\\..\\premium\\b', { 'file:///premium/*': '$5', 'file:///*': 'free' }],
    ['file:///./premium/b', { 'file:///premium/*': '$5', 'file:///*': 'free' }],
    ['file:////premium/b', { 'file:///premium/*': '$5', 'file:///*': 'free' }],
    ['file:/premium/b', { 'file:///premium/*': '$5', 'file:*': 'free' }],
    ['docs://a/b/../premium', { 'docs://a/premium*': '$5', 'docs://a/*': 'free' }],
    ['docs://a/%70remium', { 'docs://a/premium*': '$5', 'docs://a/*': 'free' }],
    ['docs://a/PREMIUM/1', { 'docs://a/premium*': '$5', 'docs://a/*': 'free' }],
    ['docs://a/premium#x', { 'docs://a/premium': '$5', 'docs://a/*': 'free' }],
    ['docs://a/cafe\u0301', { 'docs://a/caf\u00e9': '$5', 'docs://a/*': 'free' }],
    ['https://a.example:443/premium', { 'https://a.example/premium*': '$5', 'https://*': 'free' }],
    ['https:a.example/premium', { 'https://a.example/premium*': '$5', 'https:*': 'free' }],
    ['https://A.example/premium', { 'https://a.example/premium*': '$5', 'https://*': 'free' }],
    ['https://b\u00fccher.example/x', { 'https://xn--bcher-kva.example/*': '$5', 'https://*': 'free' }],
    ['https://xn--bcher-kva.example/x', { 'https://b\u00fccher.example/*': '$5', 'https://*': 'free' }],
    ['https://0x7f.1/x', { 'https://127.0.0.1/*': '$5', 'https://*': 'free' }],
    // A price that differs is another one, whichever is higher.
    ['docs://a/x/../b', { 'docs://a/x/*': '$5', 'docs://a/b': '$1' }],
  ])('is refused for another spelling of a URI: %s', (uri, prices) => {
    expect(cost(terms('resource', prices), 'resource', uri)).toBe('ambiguous');
  });

  it.each([
    ['page://premium', { 'page://premium*': '$5', 'page://*': 'free' }, '$5'],
    ['page://other', { 'page://premium*': '$5', 'page://*': 'free' }, 'free'],
    ['page://premium/a/../b', { 'page://premium*': '$5', 'page://*': 'free' }, '$5'],
    ['note://MeetingNotes', { 'note://MeetingNotes': '$5', 'note://*': 'free' }, '$5'],
    ['note://MeetingNotes', { 'note://Meeting*': '$5', 'note://*': 'free' }, '$5'],
    ['file:///docs/README.md', { 'file:///docs/README*': 'free', 'file:///docs/*': '$5' }, 'free'],
    ['file:///docs/a%20b.md', { 'file:///docs/*': '$5', 'file:///*': 'free' }, '$5'],
    ['file:///docs/a%20b.md', { 'file:///docs/a%20b.md': '$5', 'file:///*': 'free' }, '$5'],
    ['file:///', { 'file:///*': '$5', '*': 'free' }, '$5'],
    ['docs://caf\u00e9/x', { 'docs://caf\u00e9/*': '$5', '*': 'free' }, '$5'],
    ['https://a.example', { 'https://a.example': '$5', '*': 'free' }, '$5'],
    ['https://a.example/x?q=a/../b', { 'https://a.example/x?*': '$5', '*': 'free' }, '$5'],
    ['https://b\u00fccher.example/x', { 'https://b\u00fccher.example/*': '$5', '*': 'free' }, '$5'],
    ['https://a.example/.well-known/x', { 'https://a.example/.well-known/*': '$5', '*': 'free' }, '$5'],
    ['s3://bucket//key/1', { 's3://bucket//key*': '$5', '*': 'free' }, '$5'],
    ['urn:isbn:0451450523', { 'urn:isbn:*': '$5', '*': 'free' }, '$5'],
    ['weather', { weather: '$5', '*': 'free' }, '$5'],
    ['db://items?full=1', { 'db://items?full=1': '$5', 'db://items': 'free' }, '$5'],
    // The same price under two patterns is one price.
    ['PAGE://a', { 'PAGE://*': '$5', 'page://*': '$5' }, '$5'],
    ['page://elsewhere', {}, 'refuse'],
    ['PAGE://premium', { 'page://premium': '$5' }, 'refuse'],
  ])('is that of its pattern where all readings agree: %s', (uri, prices, expected) => {
    expect(cost(terms('resource', prices), 'resource', uri)).toBe(expected);
  });

  it('says what would be right', () => {
    expect(() => priceOfCall(PAGES, { target: 'resource', name: 'page://%70remium' })).toThrow(
      expect.objectContaining({
        detail: 'params.uri can be read as "page://premium", which has another price. Send it in its normal form.',
      }),
    );
  });

  it('is never lower than that of the URI which a WHATWG parser makes of it', () => {
    const part = fc.constantFrom(
      'page',
      'PAGE',
      'https',
      ':',
      '//',
      '/',
      '\\',
      'premium',
      'pre',
      'mium',
      '%70',
      'remium',
    );
    const more = fc.constantFrom(
      '..',
      '.',
      '\t',
      ' ',
      '\u0001',
      '@',
      '#',
      '?',
      '%2e',
      '%2F',
      'a',
      'A',
      '\u200b',
      '\u017f',
    );
    const given = terms(
      'resource',
      { 'https://premium*': '$5', 'page://premium*': '$5', 'page:/premium*': '$5', '*': 'free' },
      'free',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof({ weight: 3, arbitrary: part }, more), { maxLength: 8 }), (parts) => {
        const uri = parts.join('');
        if (!URL.canParse(uri) || cost(given, 'resource', uri) !== 'free') return;
        expect(cost(given, 'resource', new URL(uri).href)).not.toBe('$5');
      }),
      { numRuns: 5_000 },
    );
  });

  it('is found in bounded time for a URI that is encoded many times', () => {
    const nested = `page://%${'25'.repeat(100_000)}70remium`;
    const began = performance.now();
    readingsOf('resource', nested);
    expect(performance.now() - began).toBeLessThan(1_000);
  });
});

describe.each(['tool', 'prompt'] as const)('the price of a %s', (target) => {
  const given = terms(target, { search: '$5' }, 'free');

  it.each([
    'Search',
    'SEARCH',
    ' search',
    'search\n',
    'sea\u00adrch',
    'ｓearch',
    '\ufeffsearch',
  ])('is refused for a name that a lax server takes for a priced one: %j', (name) => {
    expect(cost(given, target, name)).toBe('ambiguous');
  });

  it('is that of its name, however odd, where no other name is meant', () => {
    expect(cost(given, target, 'search')).toBe('$5');
    expect(cost(given, target, 'get weather')).toBe('free');
    expect(cost(terms(target, { 'Get Weather': '$5' }, 'free'), target, 'Get Weather')).toBe('$5');
    expect(cost(terms(target, { search: '$5' }), target, 'Search')).toBe('refuse');
  });
});
