import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeOf, lastRequest, laySiege, type Siege, statusOf } from './siege.ts';

/**
 * A priced path next to a free `/*`: every spelling of the path that some server would read as the priced one has to be
 * refused, priced, or really be another path. None may reach the API unpaid under a name that means the priced one.
 */

let siege: Siege;

beforeAll(async () => {
  siege = await laySiege(`
routes:
  - { path: /paid/report, price: $0.01 }
  - { path: /paid/:id/secret, price: $0.01 }
  - { path: '/paid/@me', price: $0.01 }
  - { path: /deep/*, price: $0.01 }
  - { path: /*, price: free }
  - { path: /*, host: priced.test, price: $0.01 }
`);
});

afterAll(async () => await siege.close());

/** Can be read in two ways. */
const AMBIGUOUS = [
  '//paid/report',
  '/paid//report',
  '/paid/report//',
  '///paid/report',
  '/./paid/report',
  '/paid/./report',
  '/paid/report/.',
  '/paid/x/../report',
  '/x/../paid/report',
  '/x/y/../../paid/report',
  '/paid/report/..',
  '/../paid/report',
  '/%2e/paid/report',
  '/paid/%2E/report',
  '/x/%2e%2e/paid/report',
  '/x/.%2e/paid/report',
  '/x/%2e./paid/report',
  '/x/..%2fpaid/report',
  '/paid%2freport',
  '/paid%2Freport',
  '/%2fpaid/report',
  '/%2Fpaid%2Freport',
  '/paid/report%2f',
  '/paid/report/%2e%2e%2freport',
  '/paid%5creport',
  '/paid%5Creport',
  '/paid\\report',
  '\\paid\\report',
  '/x\\..\\paid/report',
  '/x/..%5cpaid/report',
  '/paid/report;',
  '/paid/report;v=1',
  '/paid;x=1/report',
  '/paid/report%3b',
  '/paid/report%3Bjsessionid=1',
  '/;/paid/report',
  '/..;/paid/report',
  '/x/..;/paid/report',
  '/paid/report%00',
  '/paid%00/report',
  '/paid/report%0a',
  '/paid/report%0d%0aX:%201',
  '/paid/report%09',
  '/paid/report%7f',
  '/paid/report%1f',
  '/paid/report%c2%85',
  '/paid/report%',
  '/paid/report%2',
  '/paid/report%zz',
  '/paid/report%u002e',
  '/%70aid/%zz',
  '/%2570aid/report',
  '/paid%252freport',
  '/%252e%252e/paid/report',
  '/paid/repor%25%37%34',
  '/paid/repor%2%374',
  '/paid/%c0%aereport',
  '/x/%c0%ae%c0%ae/paid/report',
  '/x/%e0%80%ae%e0%80%ae/paid/report',
  '/%c1%b0aid/report',
  '/paid/report%ff',
  '/paid/report%ed%a0%80',
  '/paid/report#x',
  '/paid/report?a#b',
  '/paid/<report>',
  '/paid/"report"',
  '/paid/{report}',
  '/paid/^report',
  '/paid/`report`',
  '/paid/rep\xf6rt',
  'paid/report',
  '*',
  'http://',
  'http:///paid/report',
  'http://gw.test@evil.test/paid/report',
  'http://gw.test:80:80/paid/report',
  'http://evil.test/paid/report',
  'https://evil.test/paid/report',
  'ftp://gw.test/paid/report',
  'gw.test/paid/report',
  'http://gw.test/x/../paid/report',
  'http://gw.test//paid/report',
];

/** The priced path in another spelling. */
const PRICED = [
  '/paid/report',
  '/paid/report?',
  '/paid/report?x=/../free',
  '/paid/report?//',
  '/%70aid/report',
  '/%70%61%69%64/%72%65%70%6f%72%74',
  '/paid/%72eport',
  '/paid/repor%74',
  '/paid/@me',
  '/paid/%40me',
  '/paid/%40%6de',
  '/paid/a/secret',
  '/paid/%41/%73ecret',
  '/paid/.../secret',
  '/paid/%40/secret',
  '/deep',
  '/deep/',
  '/deep/a/b',
  '/dee%70/a',
  '/deep/%20',
  '/deep/...',
  'http://gw.test/paid/report',
  'HTTP://GW.test/paid/report',
  'https://gw.test/paid/report',
];

describe('a gateway with a priced path next to a free /*', () => {
  it.each(AMBIGUOUS)('refuses %j, which can be read in two ways', async (target) => {
    const before = siege.seen.length;
    const response = await siege.ask(lastRequest(`GET ${target}`));
    expect(statusOf(response)).toBe(400);
    expect(['request_target_invalid', 'request_malformed']).toContain(codeOf(response));
    expect(siege.seen.length).toBe(before);
  });

  it.each(PRICED)('asks for the price of %j', async (target) => {
    const before = siege.seen.length;
    const response = await siege.ask(lastRequest(`GET ${target}`));
    expect(statusOf(response)).toBe(402);
    expect(response.all('payment-required')).toHaveLength(1);
    expect(siege.seen.length).toBe(before);
  });

  it('forwards the path that it matched, in every spelling of a free path', async () => {
    for (const [target, path] of [
      ['/free/%7Euser', '/free/~user'],
      ['/free/%41', '/free/A'],
      ['/free/%3f', '/free/%3F'],
      ['/free/%C3%a9', '/free/%C3%A9'],
      ['/free/a[1]|b', '/free/a%5B1%5D%7Cb'],
      ['/free/?u=http://evil.test//../', '/free/?u=http://evil.test//../'],
      ['http://gw.test', '/'],
      ['http://gw.test?x', '/?x'],
    ] as const) {
      expect(statusOf(await siege.ask(lastRequest(`GET ${target}`)))).toBe(200);
      expect(siege.seen.at(-1)?.url).toBe(path);
    }
  });
});

/** The same with routes that change the path, or that match by more than the path. */
const CHANGED = `
routes:
  - { path: /paid/*, price: $0.01, rewrite: { from: /paid, to: /inner } }
  - { path: /inner/*, price: $0.01 }
  - { path: /based/*, price: free, upstream: "UPSTREAM/public" }
  - { path: /free/*, price: free, rewrite: { from: /free, to: /open } }
  - { path: /:tenant/report, host: tenants.test, price: $0.01 }
  - { path: /*, host: tenants.test, price: free }
  - { path: /*, price: free }
`;

describe('routes with rewrites, base paths, parameters and hosts', () => {
  let behind: Siege;
  beforeAll(async () => {
    behind = await laySiege(CHANGED);
  });
  afterAll(async () => await behind.close());

  it.each(AMBIGUOUS)('refuse %j as well, below each route', async (target) => {
    // In absolute form, the authority is part of the ambiguous target.
    const below = target.startsWith('/') ? ['/free', '/based', '/paid', '/tenant', ''] : [''];
    for (const prefix of below) {
      for (const host of ['gw.test', 'tenants.test']) {
        const bytes = `GET ${prefix}${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
        expect(statusOf(await behind.ask(bytes))).toBe(400);
      }
    }
    expect(behind.seen).toEqual([]);
  });

  it.each([
    ['gw.test', '/paid/x'],
    ['gw.test', '/paid'],
    ['gw.test', '/p%61id/x'],
    ['gw.test', '/inner/x'],
    ['tenants.test', '/any/report'],
    ['tenants.test', '/%61ny/repor%74'],
    ['tenants.test', '/.../report'],
    ['tenants.test', '/%25/report'],
    ['TENANTS.test.:80', '/any/report'],
  ])('ask at %s for the price of %s', async (host, target) => {
    const bytes = `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
    expect(statusOf(await behind.ask(bytes))).toBe(402);
  });

  it.each([
    ['/based/x', '/public/based/x'],
    ['/based', '/public/based'],
    ['/based/public', '/public/based/public'],
    ['/free/x', '/open/x'],
    ['/fre%65/x', '/open/x'],
    ['/free/paid/x', '/open/paid/x'],
    ['/freedom/x', '/freedom/x'],
    ['/other?next=//evil.test/../inner', '/other?next=//evil.test/../inner'],
  ])('forward %s as %s, inside the subtree of its route', async (target, path) => {
    expect(statusOf(await behind.ask(lastRequest(`GET ${target}`)))).toBe(200);
    expect(behind.seen.at(-1)?.url).toBe(path);
  });
});

describe('a request target that names another host', () => {
  it.each([
    '//evil.test/paid/report',
    '//user@evil.test/',
    '///evil.test',
    '/\\\\evil.test/',
    '\\\\evil.test\\',
    'http://evil.test/',
    'http://gw.test@evil.test/',
    'http://evil.test@gw.test/',
    'http://gw.test:80@evil.test/',
    'http://gw.test%2eevil.test/',
    'http://gw.test\\@evil.test/',
    'http://[::1]/',
    'http://gw.test.evil.test/',
    'ws://gw.test/',
    'file:///etc/passwd',
    'javascript:x',
    '@evil.test/',
    ':80/',
    'evil.test:80',
    '?x',
    '#x',
  ])('is refused: %j', async (target) => {
    const before = siege.seen.length;
    expect(statusOf(await siege.ask(lastRequest(`GET ${target}`)))).toBe(400);
    expect(siege.seen.length).toBe(before);
  });
});

describe('a host with prices of its own', () => {
  it.each([
    'priced.test',
    'PRICED.test',
    'priced.test:80',
    'priced.test.',
    'priced.test.:80',
  ])('is recognised as %j', async (host) => {
    const response = await siege.ask(`GET /free HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    expect(statusOf(response)).toBe(402);
  });

  it.each([
    ['two', 'Host: gw.test\r\nHost: priced.test'],
    ['two the same', 'Host: gw.test\r\nHost: gw.test'],
    ['none', 'X: y'],
    ['an empty one', 'Host:'],
    ['user info', 'Host: gw.test@priced.test'],
    ['a path', 'Host: gw.test/priced.test'],
    ['a blank', 'Host: gw.test priced.test'],
    ['a list', 'Host: gw.test, priced.test'],
    ['a backslash', 'Host: gw.test\\priced.test'],
    ['a letter that lower-cases into another', 'Host: p\xe2\x84\xaariced.test'],
    ['a port that is none', 'Host: gw.test:99999'],
  ])('cannot be bypassed with %s', async (_name, lines) => {
    const before = siege.seen.length;
    const response = await siege.ask(`GET /free HTTP/1.1\r\n${lines}\r\nConnection: close\r\n\r\n`);
    expect(statusOf(response)).toBe(400);
    expect(siege.seen.length).toBe(before);
  });

  it('is not changed by headers that name another host', async () => {
    const response = await siege.ask(
      'GET /free HTTP/1.1\r\nHost: priced.test\r\nX-Forwarded-Host: gw.test\r\nForwarded: host=gw.test\r\nConnection: close\r\n\r\n',
    );
    expect(statusOf(response)).toBe(402);
  });
});
