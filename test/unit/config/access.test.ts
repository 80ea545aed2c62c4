import { describe, expect, it } from 'vitest';
import { describeRoutes } from '../../../src/config/describe.ts';
import type { Plan } from '../../../src/domain/plan.ts';
import type { PaidPrice } from '../../../src/domain/route-price.ts';
import { HEAD, paidPriceOf, planOf, problemsOf, route } from '../../support/config/load.ts';

const KEY = 'b31a2f9e04c7d865b31a2f9e04c7d865b31a2f9e04c7d865b31a2f9e04c7d865';
const OTHER_KEY = 'TzT1o0Vw0x2mJcP6rYb8qFZkq3e5vG7hN9uLs4dXaB0=';

function table(...lines: readonly string[]): string {
  return `${HEAD}routes:\n${lines.map((line) => `  - { ${line} }\n`).join('')}`;
}

function pricesOf(text: string): readonly PaidPrice[] {
  return planOf(text).routes.map(paidPriceOf);
}

function only(text: string): PaidPrice {
  const [first] = pricesOf(text);
  if (first === undefined) throw new Error('the file has no route');
  return first;
}

describe('access', () => {
  it.each([
    ['{for: 1h}', { forMs: 3_600_000, requests: undefined }],
    ['{requests: 1000}', { forMs: undefined, requests: 1000 }],
    ['{for: 30d, requests: 1}', { forMs: 30 * 86_400_000, requests: 1 }],
  ])('of %s is sold with the route by default', (access, terms) => {
    const sold = only(route(`price: $1\naccess: ${access}`));
    expect(sold.access?.terms).toMatchObject({
      ...terms,
      scope: `route:${sold.id}`,
      opens: [sold.access?.fingerprint],
    });
  });

  it('is part of every offer of its route, so that what was quoted is what is sold', () => {
    const { offers, access } = only(route('price: $1\naccess: {for: 1h}'));
    expect(offers.map((offer) => offer.access)).toEqual([access?.terms]);
    const plain = only(route('price: $1'));
    expect(plain.offers.some((offer) => 'access' in offer)).toBe(false);
  });

  it('is shown by turnpike routes', () => {
    expect(describeRoutes(planOf(route('price: $1\naccess: {for: 1h, requests: 5, scope: all}')))).toMatchObject([
      { access: { scope: 'group:all', forMs: 3_600_000, requests: 5 } },
    ]);
  });

  it.each([
    ['{}', 'never end'],
    ['{scope: a}', 'never end'],
    ['1h', 'a text'],
    ['{for: 0s}', 'zero'],
    ['{for: 10ms}', 'too short'],
    ['{for: 1000000h}', 'too long'],
    ['{requests: 0}', 'whole number'],
    ['{requests: 1.5}', 'whole number'],
    ['{requests: "10"}', 'whole number'],
    ['{requests: 1000000001}', 'whole number'],
    ['{for: 1h, scope: "a b"}', 'not a group name'],
    ['{for: 1h, scope: ""}', 'not a group name'],
    ['{for: 1h, request: 5}', 'not known'],
  ])('is refused as %s', (access, wrong) => {
    expect(problemsOf(route(`price: $1\naccess: ${access}`))).toEqual([expect.stringContaining(wrong)]);
  });

  it('is refused on a free route and with deferred settlement, inherited or not', () => {
    expect(problemsOf(route('price: free\naccess: {for: 1h}'))).toEqual([expect.stringContaining('free route')]);
    const deferred = [expect.stringContaining('before the money moved')];
    expect(problemsOf(route('price: $1\nsettle: deferred\naccess: {for: 1h}'))).toEqual(deferred);
    expect(problemsOf(`settle: deferred\n${route('price: $1\naccess: {for: 1h}')}`)).toEqual(deferred);
    expect(problemsOf(`settle: deferred\n${route('price: $1\nsettle: before\naccess: {for: 1h}')}`)).toEqual([]);
  });
});

describe('a group of routes', () => {
  const a = 'path: /v1/a/*, price: $1, access: {requests: 5, scope: both}';

  it('shares its terms, and a pass of it opens each of its routes', () => {
    const [first, second] = pricesOf(table(a, 'path: /v1/b, price: $1, access: {requests: 5, scope: both}'));
    expect(first?.access?.terms).toEqual(second?.access?.terms);
    expect(first?.access?.terms.opens).toEqual([first?.access?.fingerprint, second?.access?.fingerprint].sort());
    expect(first?.access?.path).toBe('/v1');
    expect(first?.access?.terms.scope).toBe('group:both');
  });

  it.each([
    ['price: $2, access: {requests: 5, scope: both}', 'does not cost what'],
    [
      'price: $1, payTo: "0x1111111111111111111111111111111111111111", access: {requests: 5, scope: both}',
      'does not cost what',
    ],
    ['price: $1, accepts: [polygon], access: {requests: 5, scope: both}', 'does not cost what'],
    ['price: $1, access: {requests: 6, scope: both}', 'the pass differs'],
    ['price: $1, access: {requests: 5, for: 1h, scope: both}', 'the pass differs'],
  ])('refuses a route of %s, and names the other one', (other, wrong) => {
    const problems = problemsOf(table(a, `path: /v1/b, ${other}`));
    expect(problems).toEqual([expect.stringContaining(wrong)]);
    expect(problems[0]).toContain('routes[1].access');
    expect(problems[0]).toContain('routes[0].access');
  });

  it('is different from the route of the same name', () => {
    const [first, second] = pricesOf(table(a, 'path: /x, name: both, price: $2, access: {for: 1h}'));
    expect([first?.access?.terms.scope, second?.access?.terms.scope]).toEqual(['group:both', 'route:both']);
  });
});

describe('the version of the terms', () => {
  const versionOf = (line: string): string | undefined => only(table(line)).access?.terms.version;
  const base = 'path: /a, name: a, price: $1, access: {for: 1h}';

  it.each([
    'path: /a, name: a, price: $2, access: {for: 1h}',
    'path: /a, name: a, price: $1, access: {for: 2h}',
    'path: /a, name: a, price: $1, access: {for: 1h, requests: 5}',
    'path: /b, name: a, price: $1, access: {for: 1h}',
    'path: /a, methods: [GET], name: a, price: $1, access: {for: 1h}',
    'path: /a, host: a.example, name: a, price: $1, access: {for: 1h}',
    'path: /a, name: a, price: $1, access: {for: 1h, scope: s}',
  ])('changes with %s', (line) => {
    expect(versionOf(line)).not.toBe(versionOf(base));
  });

  it.each([
    'path: /a, name: a, price: $1, description: Anything, timeout: 5s, access: {for: 60m}',
    'path: /a, name: a, price: $1, payTo: "0x1111111111111111111111111111111111111111", access: {for: 1h}',
  ])('stays the same with %s', (line) => {
    expect(versionOf(line)).toBe(versionOf(base));
  });
});

describe('the path that cookies are scoped to', () => {
  it.each([
    ['/*', '/'],
    ['/a', '/a'],
    ['/a/b/*', '/a/b'],
    ['/a/:id/b', '/a'],
    ['/:id', '/'],
  ])('of the route %s is %s', (path, expected) => {
    expect(only(table(`path: "${path}", price: $1, access: {for: 1h}`)).access?.path).toBe(expected);
  });
});

describe('accessTokens', () => {
  const tokensOf = (text: string): Plan['accessTokens'] => planOf(text + route('price: $1')).accessTokens;
  const problems = (text: string): readonly string[] => problemsOf(text + route('price: $1'));

  it('are signed with the store key, and carried by cookie and sign-in, by default', () => {
    expect(tokensOf('')).toEqual({ keys: [], cookie: true, signIn: true });
    expect(tokensOf('accessTokens: {cookie: off, signIn: off}\n')).toEqual({ keys: [], cookie: false, signIn: false });
  });

  it('take keys in hex and in both alphabets of base64, newest first', () => {
    const url = OTHER_KEY.replace(/=$/, '').replaceAll('+', '-').replaceAll('/', '_');
    const { keys } = tokensOf(`accessTokens: {keys: ["${KEY}", "${OTHER_KEY}"]}\n`);
    expect(keys.map((key) => Buffer.from(key, 'base64url').toString('hex'))[0]).toBe(KEY);
    expect(keys[1]).toBe(url);
    expect(tokensOf(`accessTokens: {keys: ["${url}"]}\n`).keys).toEqual([url]);
  });

  it.each([
    ['keys: []', 'empty'],
    ['keys: ["short"]', 'only 3 bytes'],
    [`keys: ["${KEY.slice(2)}"]`, 'only 31 bytes'],
    ['keys: ["!!!"]', 'neither hex nor base64'],
    [`keys: ["${'0'.repeat(64)}"]`, 'not random'],
    [`keys: ["${KEY}", "${KEY.toUpperCase()}"]`, 'listed twice'],
    ['cookie: yes', 'not known'],
    ['signin: off', 'signIn'],
  ])('refuse %s', (keys, wrong) => {
    const found = problems(`accessTokens: {${keys}}\n`);
    expect(found).toEqual([expect.stringContaining(wrong)]);
    expect(found.join()).not.toContain(KEY.slice(8, 40));
  });
});
