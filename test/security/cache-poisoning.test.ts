import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseRaw } from '../support/raw-http.ts';
import { lastRequest, laySiege, paying, type Siege, statusOf } from './siege.ts';
import { isKeptApart, isStorable } from './storability.ts';

/** A cache in front of the gateway never gives one client what another paid for, or a price to a client that paid. */

let siege: Siege;

beforeAll(async () => {
  siege = await laySiege(`
routes:
  - { path: /after, price: $0.01 }
  - { path: /before, price: $0.01, settle: before }
  - { path: /deferred, price: $0.01, settle: deferred }
  - { path: /kept, price: $0.01, methods: [POST], settle: before, keepAnswers: { size: 64KB } }
  - { path: /broken, price: $0.01, settle: before, upstream: "http://127.0.0.1:1" }
  - { path: /free, price: free }
`);
});
beforeEach(() => siege.answer((req, res) => req.on('end', () => res.end('served'))));
afterAll(async () => await siege.close());

/** All headers with which an API can ask shared caches to keep its answers. */
const INVITATIONS = [
  { 'Cache-Control': 'public, max-age=31536000, immutable' },
  { 'Cache-Control': 's-maxage=600, must-revalidate' },
  { 'Cache-Control': 'PUBLIC ,S-MAXAGE="600"' },
  { 'Cache-Control': ['public', 'max-age=60'] },
  { 'Cache-Control': 'private="Set-Cookie", public, max-age=60' },
  { 'Cache-Control': 'x="private, no-store", max-age=60' },
  { cache_control: 'public', Expires: 'Fri, 01 Jan 2100 00:00:00 GMT' },
  { Expires: 'Fri, 01 Jan 2100 00:00:00 GMT', Pragma: 'cache' },
  { 'CDN-Cache-Control': 'max-age=600' },
  { 'Cloudflare-CDN-Cache-Control': 'max-age=600' },
  { 'Akamai-Cache-Control': 'max-age=600' },
  { 'Souin-Cache-Control': 'max-age=600' },
  { 'Surrogate-Control': 'max-age=600' },
  { 'Edge-Control': 'cache-maxage=600' },
  { 'X-Accel-Expires': '600' },
  { 'X-LiteSpeed-Cache-Control': 'public,max-age=600' },
  { 'Last-Modified': 'Mon, 01 Jan 2001 00:00:00 GMT', ETag: '"1"' },
  {},
] as const;

describe('a shared cache', () => {
  it.each([
    ['a price', 'GET /after', [], 402],
    ['a price for HEAD', 'HEAD /after', [], 402],
    ['a price to a browser', 'GET /after', ['Accept: text/html', 'Origin: http://a'], 402],
    ['a price to a client with a login', 'GET /after', ['Authorization: Bearer x', 'Cookie: a=b'], 402],
    ['a price for a range', 'GET /after', ['Range: bytes=0-0', 'If-None-Match: *'], 402],
    ['a payment that does not decode', 'GET /after', ['PAYMENT-SIGNATURE: x'], 400],
    ['a path with two readings', 'GET //after', [], 400],
    ['a path without a route', 'GET /none', [], 404],
    ['a method that is never forwarded', 'TRACE /after', [], 405],
    ['a preflight', 'OPTIONS /after', ['Origin: http://a', 'Access-Control-Request-Method: GET'], 204],
    ['an expectation', 'POST /after', ['Expect: x', 'Content-Length: 0'], 417],
  ] as const)('may not keep %s', async (_name, line, headers, status) => {
    const response = await siege.ask(lastRequest(line, headers));
    expect(statusOf(response)).toBe(status);
    expect(isStorable(response)).toBe(false);
    expect(response.all('cache-control')).toEqual(['no-store']);
  });

  it('may not keep the answer to a request that the parser refuses', async () => {
    for (const bytes of [
      'GARBAGE\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\n\r\n',
      'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n',
    ]) {
      const peer = await siege.connect();
      peer.send(bytes);
      expect(isStorable(parseRaw(await peer.ended))).toBe(false);
      peer.socket.destroy();
    }
  });

  it('may not keep the refusal of a used payment, or the error of an API that is down', async () => {
    const payment = await siege.sign('/after');
    expect(statusOf(await siege.ask(lastRequest('GET /after', [paying(payment)])))).toBe(200);
    const again = await siege.ask(lastRequest('GET /after', [paying(payment)]));
    expect([statusOf(again), isStorable(again)]).toEqual([409, false]);
    const down = await siege.ask(lastRequest('GET /broken', [paying(await siege.sign('/broken'))]));
    expect([statusOf(down), isStorable(down)]).toEqual([502, false]);
  });
});

describe.each(INVITATIONS)('an API that says %j', (invitation) => {
  beforeEach(() => {
    siege.answer((req, res) => {
      for (const [name, value] of Object.entries(invitation)) res.setHeader(name, value as string | string[]);
      req.on('end', () => res.end('served'));
    });
  });

  it.each([
    'GET /after',
    'GET /before',
    'GET /deferred',
    'HEAD /after',
    'POST /kept',
  ])('cannot make a shared cache keep what was paid for with %s', async (line) => {
    const [method = '', path = ''] = line.split(' ');
    const payment = await siege.sign(path, { method });
    const response = await siege.ask(lastRequest(line, [paying(payment), 'Content-Length: 0']));
    expect(statusOf(response)).toBe(200);
    expect(isStorable(response)).toBe(false);
    expect(isStorable(response, { authorized: true })).toBe(false);
    expect(isKeptApart(response)).toBe(true);
  });

  it('has these headers relayed where nothing was paid', async () => {
    const response = await siege.ask(lastRequest('GET /free'));
    const said = Object.entries(invitation).flatMap(([name, value]) => [value].flat().map(() => name.toLowerCase()));
    expect(response.headers.map(([name]) => name.toLowerCase())).toEqual(expect.arrayContaining(said));
  });
});

it('an error of the API for a paid request is kept out of shared caches, as a paid answer is', async () => {
  siege.answer((req, res) =>
    req.on('end', () => res.writeHead(404, { 'Cache-Control': 'public, max-age=600' }).end('none')),
  );
  const response = await siege.ask(lastRequest('GET /after', [paying(await siege.sign('/after'))]));
  expect([statusOf(response), isStorable(response)]).toEqual([404, false]);
});
