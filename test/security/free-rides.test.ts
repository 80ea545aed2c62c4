import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answersIn, lastRequest, laySiege, paying, request, type Siege, statusOf } from './siege.ts';

/** Requests to a priced route other than a plain GET or POST: none reaches the API without a payment. */

let siege: Siege;

beforeAll(async () => {
  siege = await laySiege(`
routes:
  - { path: /paid, price: $0.01 }
  - { path: /got, methods: [GET], price: $0.01 }
  - { path: /posted, methods: [POST], price: $0.01 }
  - { path: /socket, price: $0.01, settle: before }
  - { path: /whole, price: $0.01, charge: [200] }
  - { path: /whole-before, price: $0.01, charge: [200], settle: before }
  - { path: /parts, price: $0.01, charge: [200, 206] }
`);
});
afterAll(async () => await siege.close());

const UPGRADE = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: AAAA'];

async function expectUnserved(bytes: string, status: number): Promise<void> {
  const before = siege.seen.length;
  const [answer] = answersIn(await sendAll(bytes));
  expect(answer && statusOf(answer)).toBe(status);
  expect(siege.seen.length).toBe(before);
}

async function sendAll(bytes: string): Promise<Buffer> {
  const peer = await siege.connect();
  peer.send(bytes);
  const received = await peer.ended;
  peer.socket.destroy();
  return received;
}

describe('a priced route without a payment', () => {
  const METHODS =
    'GET HEAD POST PUT PATCH DELETE OPTIONS QUERY SEARCH REPORT PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK PURGE LINK BIND MKACTIVITY CHECKOUT MERGE NOTIFY SUBSCRIBE SOURCE ACL';

  it.each(METHODS.split(' '))('costs money with %s', async (method) => {
    await expectUnserved(lastRequest(`${method} /paid`), 402);
  });

  it.each(['TRACE', 'CONNECT'])('never sees %s', async (method) => {
    await expectUnserved(lastRequest(`${method} ${method === 'CONNECT' ? 'gw.test:80' : '/paid'}`), 405);
  });

  it.each(['get', 'Get', 'GET\t', 'FOO', 'G\0ET', 'GET,POST'])('is not served to %j', async (method) => {
    await expectUnserved(lastRequest(`${method} /paid`), 400);
  });

  it('charges HEAD where GET is priced, and has no other method there', async () => {
    await expectUnserved(lastRequest('HEAD /got'), 402);
    await expectUnserved(lastRequest('HEAD /posted'), 404);
    await expectUnserved(lastRequest('OPTIONS /posted'), 404);
    await expectUnserved(lastRequest('PUT /posted'), 404);
  });

  it('answers a preflight itself', async () => {
    await expectUnserved(lastRequest('OPTIONS /paid', ['Origin: http://a', 'Access-Control-Request-Method: GET']), 204);
  });

  it.each([
    ['a Range', ['Range: bytes=0-0']],
    ['a condition', ['If-None-Match: *', 'If-Modified-Since: Sat, 01 Jan 2050 00:00:00 GMT']],
    ['an override', ['X-HTTP-Method-Override: OPTIONS', 'X-Original-URL: /free', 'X-Rewrite-URL: /free']],
    ['claims of having paid', ['X402-Payer: 0x1', 'PAYMENT-RESPONSE: e30=', 'X402-Access-Token: tpk_1']],
    ['a bearer token', ['Authorization: Bearer tpk_1']],
    ['a trusted address', ['X-Forwarded-For: 127.0.0.1', 'Forwarded: for=127.0.0.1']],
    ['an empty payment', ['PAYMENT-SIGNATURE:']],
  ])('costs money with %s', async (_name, headers) => {
    const status = headers[0] === 'PAYMENT-SIGNATURE:' ? 400 : 402;
    await expectUnserved(lastRequest('GET /paid', headers), status);
  });

  it('costs money in absolute form, over HTTP/1.0 and with a body', async () => {
    await expectUnserved(lastRequest('GET http://gw.test/paid'), 402);
    await expectUnserved('GET /paid HTTP/1.0\r\nHost: gw.test\r\n\r\n', 402);
    await expectUnserved(lastRequest('GET /paid', ['Content-Length: 2'], 'hi'), 402);
    await expectUnserved(lastRequest('DELETE /paid', ['Transfer-Encoding: chunked'], '2\r\nhi\r\n0\r\n\r\n'), 402);
  });

  it.each([
    'GET /paid HTTP/2.0',
    'GET /paid HTTP/1.2',
    'GET /paid HTTP/0.9',
    'GET /paid',
    'PRI * HTTP/2.0',
  ])('is not served to %j', async (line) =>
    await expectUnserved(`${line}\r\nHost: gw.test\r\nConnection: close\r\n\r\n`, 400));
});

describe('a part of what is sold', () => {
  /** A file server, as the API. */
  beforeAll(() =>
    siege.answer(({ headers: { range } }, res) => {
      res.writeHead(range === undefined ? 200 : 206, { 'Content-Type': 'text/plain' }).end('all of it');
    }),
  );

  it.each([
    ['/whole', 200],
    ['/whole-before', 200],
    ['/parts', 206],
    ['/paid', 206],
  ])('of %s is charged, whichever part is asked for', async (path, status) => {
    const headers = [paying(await siege.sign(path)), 'Range: bytes=0-', 'If-Range: "v1"'];
    const answer = await siege.ask(lastRequest(`GET ${path}`, headers));
    expect([statusOf(answer), answer.all('payment-response').length]).toEqual([status, 1]);
    const again = await siege.ask(lastRequest(`GET ${path}`, headers));
    expect(statusOf(again)).toBe(409);
  });
});

describe('what is new in a feed', () => {
  /** A feed as RFC 3229 has it, as the API: to a reader that has nothing all of it is new. */
  beforeAll(() =>
    siege.answer(({ headers: { 'a-im': delta } }, res) => {
      res.writeHead(delta === undefined ? 200 : 226, { 'Content-Type': 'text/plain' }).end('all of it');
    }),
  );

  it.each([
    ['/whole', 200],
    ['/parts', 200],
    ['/paid', 226],
  ])('of %s is charged', async (path, status) => {
    const headers = [paying(await siege.sign(path)), 'A-IM: feed'];
    const answer = await siege.ask(lastRequest(`GET ${path}`, headers));
    expect([statusOf(answer), answer.all('payment-response').length]).toEqual([status, 1]);
  });
});

describe('an upgrade of a priced route', () => {
  it('costs money', async () => await expectUnserved(request('GET /socket', UPGRADE), 402));

  it.each([
    ['to h2c', ['Connection: Upgrade, HTTP2-Settings, close', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__']],
    ['to TLS', ['Connection: Upgrade, close', 'Upgrade: TLS/1.0']],
    ['to one of several', ['Connection: Upgrade, close', 'Upgrade: h2c, websocket']],
    ['with a body', [...UPGRADE, 'Connection: close', 'Content-Length: 2']],
    ['with chunks', [...UPGRADE, 'Connection: close', 'Transfer-Encoding: chunked']],
  ])('costs money %s', async (_name, headers) => {
    const body = headers.includes('Content-Length: 2')
      ? 'hi'
      : headers.includes('Transfer-Encoding: chunked')
        ? '0\r\n\r\n'
        : '';
    await expectUnserved(request('GET /paid', headers, body), 402);
  });

  it.each(['POST', 'HEAD', 'OPTIONS'])('costs money with %s', async (method) => {
    await expectUnserved(request(`${method} /paid`, [...UPGRADE, 'Connection: close']), 402);
  });

  it('does not forward to the API what was sent before the answer', async () => {
    const bytes = request('GET /socket', UPGRADE) + request('GET /paid');
    await expectUnserved(bytes, 402);
  });

  it('cannot be bought twice with one payment, by an upgrade or by a plain request', async () => {
    const payment = await siege.sign('/socket');
    const before = siege.seen.length;
    const first = (await sendAll(request('GET /socket', [...UPGRADE, paying(payment)]))).toString('latin1');
    expect(first).toContain('101 Switching Protocols');
    expect(first).toContain('frames');
    await expectPaidOnce(before, [...UPGRADE, paying(payment)]);
    await expectPaidOnce(before, ['Connection: close', paying(payment)]);
  });
});

async function expectPaidOnce(before: number, headers: readonly string[]): Promise<void> {
  const [answer] = answersIn(await sendAll(request('GET /socket', headers)));
  expect(answer && statusOf(answer)).toBe(409);
  expect(siege.seen.length - before).toBe(1);
}
