import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { problemsOf, route } from '../support/config/load.ts';
import { lastRequest, laySiege, paying, type Siege, statusOf } from './siege.ts';

/**
 * Paths with characters that servers read differently, in front of an API that reads them very freely: it decodes
 * slashes and backslashes, twice if it can, drops parameters, merges slashes and resolves dot segments.
 */

let api: Server;
let siege: Siege;
/** The path as the API reads it, and the bytes that came over the wire. */
const reached: { readonly read: string; readonly raw: string }[] = [];

function freely(target: string): string {
  let path = target.replace(/\?.*$/, '');
  for (let round = 0; round < 2; round += 1) path = decodeURIComponent(path);
  const open: string[] = [];
  for (const segment of path.replaceAll('\\', '/').split('/')) {
    const name = segment.replace(/;.*$/, '');
    if (name === '..') open.pop();
    else if (name !== '' && name !== '.') open.push(name);
  }
  return `/${open.join('/')}`;
}

beforeAll(async () => {
  api = createServer((req, res) => {
    reached.push({ read: freely(req.url ?? ''), raw: req.url ?? '' });
    res.end('served');
  }).listen(0, '127.0.0.1');
  await once(api, 'listening');
});
afterEach(async () => {
  reached.splice(0);
  await siege.close();
});
afterAll(() => {
  api.close();
});

async function sell(encoded = '[slash, backslash, semicolon, empty]'): Promise<void> {
  const url = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
  siege = await laySiege(`
routes:
  - { path: /cheap/*, price: $0.001, upstream: "${url}", encoded: ${encoded} }
  - { path: /free/*, price: free, upstream: "${url}", encoded: ${encoded} }
  - { path: /dear/*, price: $5, upstream: "${url}" }
  - { path: /v4/:tenant/files/*, price: free, upstream: "${url}", encoded: ${encoded} }
  - { path: /v4/:tenant/secret, price: $5, upstream: "${url}" }
  - { path: /plain/*, price: free, upstream: "${url}" }
`);
}

async function statusAt(target: string, headers: readonly string[] = []): Promise<number> {
  return statusOf(await siege.ask(lastRequest(`GET ${target}`, headers)));
}

describe('a route that allows encoded characters', () => {
  it.each([
    '/free/group%2Fname',
    '/free/group%2fname',
    '/free/a%5cb',
    '/free/a;v=2/b%3Bc',
    '/free/https://x.example/y',
    '/free/a//b/',
    '/free/%2Fdear%2Fx',
    '/v4/me/files/a%2Fb?x=%2F',
  ])('forwards %s as it came', async (target) => {
    await sell();
    expect(await statusAt(target)).toBe(200);
    expect(reached.map(({ raw }) => raw)).toEqual([target]);
  });

  it('sells each path by itself: a payment used for one path is refused for another', async () => {
    await sell();
    expect(await statusAt('/cheap/a%2Fb')).toBe(402);
    const payment = paying(await siege.sign('/cheap/a%2Fb'));
    expect(await statusAt('/cheap/a%2Fb', [payment])).toBe(200);
    for (const other of ['/cheap/a%2Fc', '/cheap/a/b', '/cheap/a%2F%2Fb'])
      expect(await statusAt(other, [payment])).toBe(409);
    expect(reached.map(({ raw }) => raw)).toEqual(['/cheap/a%2Fb']);
  });

  it.each([
    '/free/..%2fdear/x',
    '/free/%2e%2e%2fdear%2fx',
    '/free/a%2F..%2F..%2Fdear/x',
    '/free/a%2f.%2fb',
    '/free/..;/dear/x',
    '/free/..;a=b/dear/x',
    '/free/..%3b/dear/x',
    '/free/x;/../../dear/x',
    '/free/..%5cdear%5cx',
    '/free/a%5C..%5C..%5Cdear',
    '/free/%252e%252e%252fdear',
    '/free/a%252Fb',
    '/free/a%25%32Fb',
    '/free//../dear/x',
    '/free/a//..//../dear/x',
    '//free/x',
    '//dear/x',
    '/%2Ffree/x',
    '/free%2F..%2Fdear/x',
    '/free%2Fx',
    '/free;x/y',
    '/dear;/x',
    '/dear%2Fx',
    '/dear//x',
    '/dear/x%2Fy',
    '/plain/a%2Fb',
    '/plain/a;b',
    '/v4/a%2Fsecret%2F/files/x',
    '/v4/a;x/files/y%2Fz',
    '/v4//files/y%2Fz',
    '/v4/me%2Fsecret',
    '/v4/me//secret',
    '/free/a%00b',
    '/free/a%2Fb%c0%ae',
    '/free\\x',
    '/free/a\\b',
    'http://gw.test//free/a%2Fb',
  ])('refuses %s, which the API could read as another subtree', async (target) => {
    await sell();
    expect(await statusAt(target)).toBe(400);
    expect(reached).toEqual([]);
  });

  it('never leads into a subtree with another price, for any mix of the odd characters', async () => {
    await sell();
    const parts = ['..', '.', '%2e%2e', '%2F', '%5c', ';', '%3B', '//', '/', 'dear', 'secret', '%252f', 'x'];
    let state = 42;
    const next = (): string => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
      return parts[Math.floor((state / 2_147_483_648) * parts.length)] ?? '';
    };
    const targets = Array.from({ length: 400 }, (_, index) => {
      const front = index % 2 === 0 ? '/free/' : '/v4/me/files/';
      return front + Array.from({ length: 1 + (index % 7) }, next).join('');
    });
    for (const target of targets) await statusAt(target);
    expect(reached.length).toBeGreaterThan(40);
    expect(reached.filter(({ read }) => !/^\/(?:free|v4\/me\/files)(?:\/|$)/.test(read))).toEqual([]);
  });

  it('allows only the characters that it lists', async () => {
    await sell('[slash]');
    expect(await statusAt('/free/a%2Fb')).toBe(200);
    for (const target of ['/free/a;b', '/free/a//b', '/free/a%5Cb', '/free/a%2Fb;c', '/free/a%2F%2Fb%3B'])
      expect(await statusAt(target)).toBe(400);
  });

  it('is also found for the preflight of such a path', async () => {
    await sell();
    const headers = ['Origin: https://shop.example', 'Access-Control-Request-Method: GET'];
    expect(statusOf(await siege.ask(lastRequest('OPTIONS /cheap/a%2Fb', headers)))).toBe(204);
  });
});

describe('a configuration with encoded characters', () => {
  const ALLOWING = 'price: $0.001\nencoded: [slash]';
  const withRoutes = (...others: readonly string[]): string =>
    `${route(ALLOWING).replace('/a', '/a/*')}${others.map((other) => `  - ${other}\n`).join('')}`;

  it.each([
    ['a dearer route below', '{ path: /a/b, price: $1 }', '/a/b (/a/b)'],
    ['a free one', '{ path: /a/:x/y, price: free }', '/a/:x/y'],
    ['the bare prefix', '{ path: /a, price: $1 }', '/a'],
    ['one of a host', '{ path: /a/b/*, price: $1, host: h.example }', '/a/b/*'],
    ['one of a method', '{ path: /a/b, price: $1, methods: [POST] }', 'POST /a/b'],
    ['a parameter in the place of the front', '{ path: /:x/b, price: $1 }', '/:x/b'],
    ['one that charges fewer clients', '{ path: /a/b, price: $0.001, enforce: off }', '/a/b'],
    ['one that sells passes', '{ path: /a/b, price: $0.001, access: { for: 1h } }', '/a/b'],
  ])('is refused with %s, and the error names that route', (_name, other, named) => {
    expect(problemsOf(withRoutes(other))).toEqual([
      expect.stringMatching(/an API that decodes slash may read a path of this route as one of /),
    ]);
    expect(problemsOf(withRoutes(other)).join()).toContain(named);
  });

  it.each([
    ['the same price below', '{ path: /a/b, price: $0.001 }'],
    ['other prices beside it and above it', '{ path: /b/*, price: $1 }', '{ path: /*, price: free }'],
  ])('is accepted with %s', (_name, ...others) => {
    expect(problemsOf(withRoutes(...others))).toEqual([]);
  });

  it('is refused where the path does not end in /*', () => {
    expect(problemsOf(route(ALLOWING))).toEqual([expect.stringContaining('has no /* at its end')]);
  });

  it('is refused where empty segments would begin the path that is forwarded', () => {
    const keys = 'price: free\nencoded: [empty]\nrewrite: { from: /a, to: / }';
    expect(problemsOf(route(keys).replace('path: /a', 'path: /a/*'))).toEqual([
      expect.stringContaining('empty segments would begin the path'),
    ]);
  });

  it('cannot allow dot segments', () => {
    expect(problemsOf(route('price: free\nencoded: [dot]').replace('path: /a', 'path: /a/*'))).toHaveLength(1);
  });
});
