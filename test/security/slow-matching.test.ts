import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { headFact } from '../../src/content/head-facts.ts';
import { otherFormDeclared } from '../../src/domain/declared-form.ts';
import { parseHost } from '../../src/domain/host.ts';
import { canonicalizePath, parseRequestTarget } from '../../src/domain/request-target.ts';
import { decodeHeaderJson } from '../../src/protocol/header-json.ts';
import { lastRequest, laySiege, type Siege, statusOf } from './siege.ts';

/**
 * Text that keeps a backtracking matcher busy for hours. The texts are long enough that anything but linear work would
 * exceed the time limit of the test.
 */

const LONG = 100_000;
let siege: Siege;

beforeAll(async () => {
  siege = await laySiege(`
limits: { pricedBodyBytes: 2MB }
routes:
  - path: /models
    prices: [{ when: { json: { /model: "large*" } }, price: $1 }, { when: { query: { tier: gold } }, price: $0.10 }, { price: $0.01 }]
  - path: /graphql
    prices: [{ when: { graphql: { field: report } }, price: $1 }, { price: $0.01 }]
  - { path: /a/:b/:c/:d/e/*, price: $0.01 }
  - { path: /a/:b/:c/d/:e/*, price: $0.01 }
  - { path: /a/:b/c/:d/:e/*, price: $0.01 }
  - { path: /a/b/:c/:d/:e/*, price: $0.01 }
  - { path: /*, price: free }
`);
});
afterAll(async () => await siege.close());

describe('a parser of client input', () => {
  it.each([
    ['slashes', '/'],
    ['short segments', '/a'],
    ['dots', '/..a'],
    ['escapes', '%41'],
    ['escapes of escapes', '%2541'],
    ['brackets', '/[|]'],
    ['characters that are not allowed', '/"'],
    ['semicolons', '/a;b'],
    ['bytes', '\xff'],
  ])('reads a path of many %s, also with an error at its end', (_name, piece) => {
    const text = `/${piece.repeat(LONG / piece.length)}`;
    for (const path of [text, `${text}"`, `${text}%`, `${text}%zz`, `${text}/..`, `a${text}`]) {
      expect(typeof canonicalizePath(path).ok).toBe('boolean');
      expect(typeof parseRequestTarget(`http://gw.test${path}?${path}`).ok).toBe('boolean');
    }
  });

  it.each(['a', 'a.', 'a-', '1.', '..', 'a:', '[', '::', 'a@'])('reads a host of many %j', (piece) => {
    const text = piece.repeat(LONG / piece.length);
    for (const host of [text, `${text}:`, `${text}:99999`, `[${text}]`]) expect(parseHost(host)).toBeUndefined();
  });

  it.each(['A', '=', 'A=', 'A ', '[', '{"a":'])('reads a payment header of many %j', (piece) => {
    const text = piece.repeat(LONG / piece.length);
    for (const header of [text, `${text}!`, Buffer.from(text).toString('base64')]) {
      expect(decodeHeaderJson(header).ok).toBe(false);
    }
  });
});

describe('a body that decides its price', () => {
  const MANY = 600_000;

  it.each([
    ['a value with blanks before its last letter', '/models', JSON.stringify({ model: `É${' '.repeat(MANY)}x` })],
    ['a value with many accents on one letter', '/models', JSON.stringify({ model: accents(MANY / 2) })],
    ['a key with many accents on one letter', '/models', JSON.stringify({ [accents(MANY / 2)]: 1 })],
    ['a number with many zeros within', '/models', `{"model":1${'0'.repeat(MANY)}1}`],
    ['a query with a comment of many hashes', '/graphql', JSON.stringify({ query: `{ a }${'#'.repeat(MANY)}` })],
  ])('is read to its end where it has %s', async (_name, path, body) => {
    const headers = { 'Content-Type': 'application/json' };
    const response = await fetch(siege.gateway.url + path, { method: 'POST', headers, body });
    expect([402, 400]).toContain(response.status);
  });

  it('is read to the end of a header with many blanks', () => {
    const value = `a${' '.repeat(MANY)}b`;
    const head = { method: 'GET', query: '', rawHeaders: ['X-Tier', value], isVerified: () => false };
    expect(headFact({ kind: 'header', name: 'x-tier' }, head)).toEqual({ kind: 'text', text: value });
  });

  it('is read to the end of a media type with many blanks', () => {
    const type = `a${'\xa0'.repeat(MANY)}x`;
    for (const value of [type, type.slice(1)])
      expect(otherFormDeclared(Buffer.from('{}'), ['Content-Type', value])).toBeUndefined();
  });
});

/** Of two kinds, in the order in which normal forms do not have them. */
function accents(of: number): string {
  return `a${'\u0301'.repeat(of)}${'\u0323'.repeat(of)}`;
}

describe('a path of eight kilobytes', () => {
  it.each([
    ['short segments', `/${'a/'.repeat(4000)}a`, 200],
    ['segments of a priced pattern', `/a/b/c/d/e/${'x/'.repeat(4000)}x`, 402],
    ['a priced pattern with many readings', `/a${'/b'.repeat(4000)}`, 402],
    ['one segment', `/${'a'.repeat(8000)}`, 200],
    ['escapes', `/${'%C3%A9'.repeat(1350)}`, 200],
    ['a dot segment at its end', `/${'a/'.repeat(4000)}..`, 400],
    ['an encoded slash at its end', `/${'a'.repeat(8000)}%2f`, 400],
  ])('of %s is read to its end', async (_name, target, status) => {
    const before = siege.seen.length;
    expect(statusOf(await siege.ask(lastRequest(`GET ${target}`)))).toBe(status);
    expect(siege.seen.slice(before).map(({ url }) => url)).toEqual(status === 200 ? [target] : []);
  });

  it('is not stated at full length in a header of the 402', async () => {
    const response = await siege.ask(lastRequest(`GET /a/b/c/d/e/${'x/'.repeat(4000)}x`));
    expect(response.headers.map((pair) => pair.join(': ')).join('\r\n').length).toBeLessThan(6 * 1024);
  });
});
