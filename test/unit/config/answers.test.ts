import { describe, expect, it } from 'vitest';
import { parseByteSize } from '../../../src/config/byte-size.ts';
import type { Route } from '../../../src/domain/route.ts';
import { compileHeader } from '../../../src/protocol/v2/challenge-header.ts';
import { paidPriceOf, planOf, problemsOf, route } from '../../support/config/load.ts';

function routeOf(text: string): Route {
  const [first] = planOf(text).routes;
  if (first === undefined) throw new Error('the file has no route');
  return first;
}

describe('kept answers', () => {
  it.each([
    ['64KB', 65_536],
    ['1MB', 1_048_576],
    ['4MB', 4_194_304],
    ['4096KB', 4_194_304],
    ['1', 1],
    ['4194304', 4_194_304],
  ])('of up to %s are kept', (given, maxBytes) => {
    expect(routeOf(route(`price: $1\nkeepAnswers: {size: ${given}}`)).keepAnswers).toEqual({ maxBytes });
  });

  it.each([
    '0',
    '0KB',
    '-1',
    '1.5MB',
    '5MB',
    '4097KB',
    '4194305',
    '64 KB',
    '64kb',
    '64KiB',
    '1GB',
    'off',
    '',
  ])('of up to %j are refused', (given) => {
    expect(problemsOf(route(`price: $1\nkeepAnswers: {size: ${given}}`))).toHaveLength(1);
  });

  it('report the largest size when one is too large', () => {
    expect(parseByteSize('5MB', 4_194_304)).toEqual({
      ok: false,
      wrong: 'the size 5MB is too large',
      right: 'at most 4MB',
    });
  });

  it('are kept by routes without a setting of their own', () => {
    const top = 'keepAnswers: {size: 2KB}\n';
    expect(routeOf(top + route('price: $1')).keepAnswers).toEqual({ maxBytes: 2_048 });
    expect(routeOf(top + route('price: $1\nkeepAnswers: {size: 1}')).keepAnswers).toEqual({ maxBytes: 1 });
    expect(routeOf(top + route('price: $1\nkeepAnswers: off')).keepAnswers).toBeUndefined();
    expect(routeOf(route('price: $1')).keepAnswers).toBeUndefined();
  });

  it.each(['64KB', 'on', 'true', '65536', '[]', ''])('cannot be set to %j', (given) => {
    expect(problemsOf(route(`price: $1\nkeepAnswers: ${given}`))).toEqual([
      expect.stringContaining('expected a map such as {size: 64KB}, or off'),
    ]);
  });
});

describe('idempotent routes', () => {
  it('are those with `idempotent: true`', () => {
    expect(routeOf(route('price: $1\nidempotent: true')).idempotent).toBe(true);
    expect(routeOf(route('price: $1\nidempotent: false')).idempotent).toBe(false);
    expect(planOf(route(`price: $1\nidempotent: "\${SAFE}"`), { env: { SAFE: 'true' } }).routes[0]?.idempotent).toBe(
      true,
    );
  });

  it.each([
    ['yes', '"yes" is a text in YAML 1.2, expected true, without quotes'],
    ['Off', '"Off" is a text in YAML 1.2, expected false, without quotes'],
    ['"true"', '"true" is a text in YAML 1.2, expected true, without quotes'],
    ['TRUE', 'TRUE is not in small letters, expected true'],
    ['1', '1 is neither true nor false, expected true or false'],
    ['', 'expected true or false'],
    ['{}', 'expected true or false'],
  ])('cannot be declared by %j', (given, words) => {
    expect(problemsOf(route(`price: $1\nidempotent: ${given}`))).toEqual([expect.stringContaining(words)]);
  });
});

describe('payment identifiers', () => {
  it('follow the file where the route does not say', () => {
    const top = 'paymentIdentifier: required\n';
    expect(routeOf(top + route('price: $1')).identifier).toBe('required');
    expect(routeOf(top + route('price: $1\npaymentIdentifier: optional')).identifier).toBe('optional');
    expect(routeOf(top + route('price: $1\npaymentIdentifier: off')).identifier).toBe('off');
  });

  it('are off, optional or required, and nothing else', () => {
    expect(problemsOf(route('price: $1\npaymentIdentifier: always'))).toEqual([
      expect.stringContaining('"always" is not known, expected off, optional or required'),
    ]);
  });

  it('fit into every 402 that passes the check', () => {
    const networks =
      'base, ethereum, avalanche, polygon, arbitrum, monad, celo, sei, xdc, flare, stable, hpp, igra, mezo, base-sepolia, polygon-amoy';
    const text = (length: number): string =>
      route(`price: $1\naccepts: [${networks}]\npaymentIdentifier: required\ndescription: ${'x'.repeat(length)}`);
    const lengths = Array.from({ length: 500 }, (_, index) => index + 1);
    const tooLong = lengths.find((length) => problemsOf(text(length)).length > 0);
    expect(tooLong, 'the longest description must decide').toBeGreaterThan(1);
    const longest = routeOf(text((tooLong ?? 0) - 1));
    const { mimeType, identifier } = longest;
    const { description, offers } = paidPriceOf(longest);
    const write = compileHeader({ route: 'route', description, mimeType, offers, identifier });
    const header = write(
      { url: `https://${'x'.repeat(64)}/a?${'q'.repeat(256)}`, method: 'GET', path: '/a' },
      'y'.repeat(128),
    );
    expect(header.length).toBeLessThanOrEqual(6 * 1024);
    expect(header.length, 'nothing that would fit is refused').toBeGreaterThan(5 * 1024);
  });
});

describe('free routes', () => {
  it.each([
    'settle: before',
    'idempotent: true',
    'idempotent: false',
    'keepAnswers: {size: 1KB}',
    'keepAnswers: off',
    'paymentIdentifier: optional',
    'paymentIdentifier: off',
  ])('refuse %s, which would have no effect', (line) => {
    const [key] = line.split(':');
    expect(problemsOf(route(`price: free\n${line}`))).toEqual([
      expect.stringMatching(new RegExp(`routes\\[0\\]\\.${key}: ${key} has no effect on a free route`)),
    ]);
  });

  it('report a key with a wrong value only for that value', () => {
    expect(problemsOf(route('price: free\nsettle: later'))).toEqual([expect.stringContaining('"later" is not known')]);
  });

  it('inherit none of these settings from the file', () => {
    const text = `keepAnswers: {size: 1KB}\npaymentIdentifier: required\n${route('price: free')}`;
    expect(routeOf(text)).toMatchObject({ idempotent: false, keepAnswers: undefined, identifier: 'off' });
  });
});
