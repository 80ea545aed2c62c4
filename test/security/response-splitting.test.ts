import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openQueueOf } from './odd-answers.ts';
import { answersIn, codeOf, lastRequest, laySiege, paying, request, type Siege, statusOf } from './siege.ts';

/** Nothing that a client or an API sends becomes a forged header or a forged answer. */

let siege: Siege;

beforeAll(async () => {
  siege = await laySiege(`
routes:
  - { path: /paid/*, price: $0.01 }
  - { path: /free/*, price: free }
`);
});
afterAll(async () => await siege.close());

describe('what a client sends', () => {
  it.each([
    ['/paid/a%0d%0aX-Injected:%201', 400],
    ['/paid/a%E5%98%8A%E5%98%8DX-Injected', 402],
    [`/paid/${'a'.repeat(8000)}`, 402],
    ['/paid/%22%7D%5D%3Cscript%3E', 402],
    ['/none/%22%2C%22code%22%3A%22x', 404],
  ] as const)('comes back in no header and breaks no document: %s', async (path, status) => {
    const response = await siege.ask(lastRequest(`GET ${path}`, ['Origin: http://a', 'Accept: text/html']));
    expect(statusOf(response)).toBe(status);
    expect(response.all('x-injected')).toEqual([]);
    expect(response.all('cache-control')).toEqual(['no-store']);
    const body = response.body.toString('utf8');
    if (status === 402) {
      // A browser gets the page: the text of the client is in it as text, or as data of one script.
      expect(response.all('content-type')).toEqual(['text/html; charset=utf-8']);
      expect(body).not.toContain('"}]<script>');
    } else {
      expect(response.all('content-type').join()).toMatch(/^application\/(problem\+)?json$/);
      expect(() => JSON.parse(body)).not.toThrow();
    }
    expect(response.headers.map((pair) => pair.join(': ')).join('\r\n').length).toBeLessThan(6 * 1024);
  });

  it.each([
    ['/paid/a%E5%98%8A%E5%98%8DX-Injected'],
    [`/paid/${'a'.repeat(8000)}`],
    ['/paid/%22%7D%5D%3Cscript%3E'],
  ])('breaks no document that machines get: %s', async (path) => {
    const response = await siege.ask(lastRequest(`GET ${path}`, ['Origin: http://a', 'Accept: */*']));
    expect(response.all('content-type')).toEqual(['application/json']);
    expect(JSON.parse(response.body.toString('utf8'))).toMatchObject({ x402Version: 1 });
  });

  it('is in no header of a preflight answer, unless it is a list of header names', async () => {
    const ask = ['Origin: http://a', 'Access-Control-Request-Method: GET'];
    for (const names of ['x\x0by', 'a b', 'a;b', '"a"', 'a,,b', `${'a'.repeat(20)} `.repeat(50)]) {
      const response = await siege.ask(
        lastRequest('OPTIONS /paid/x', [...ask, `Access-Control-Request-Headers: ${names}`]),
      );
      expect(response.all('access-control-allow-headers').join()).not.toContain(names);
    }
  });

  it('is in no header when it is a payment, whatever its fields hold', async () => {
    const payment = await siege.sign('/paid/x');
    const evil = 'x\r\nX-Injected: 1\r\n\r\n<script>';
    for (const parts of [
      { ...payment, x402Version: 7 },
      { ...payment, accepted: { ...payment.accepted, scheme: evil } },
      { ...payment, accepted: { ...payment.accepted, network: evil } },
      { ...payment, resource: { url: evil } },
      { ...payment, authorization: { ...payment.authorization, from: evil } },
    ]) {
      const response = await siege.ask(lastRequest('GET /paid/x', [paying(parts)]));
      expect([400, 402]).toContain(statusOf(response));
      expect(response.all('x-injected')).toEqual([]);
      const stated = response.all('payment-required').map((value) => Buffer.from(value, 'base64').toString('utf8'));
      expect(stated.join()).not.toContain('X-Injected');
      expect(response.body.toString('latin1')).not.toContain('<script>');
    }
  });
});

/** Heads that an API should not send; the client gets a 502 of the gateway's own, or the answer without them. */
const ODD_HEADS = [
  'HTTP/1.1 200 OK\r\nX: a\rX-Injected: 1\r\nContent-Length: 2\r\n\r\nhi',
  'HTTP/1.1 200 OK\r\nX: a\nX-Injected: 1\r\nContent-Length: 2\r\n\r\nhi',
  'HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\nhi',
  'HTTP/1.1 200 OK\r\nX: a\r\n folded\r\nContent-Length: 2\r\n\r\nhi',
  'HTTP/1.1 200 O\rK\r\nContent-Length: 2\r\n\r\nhi',
  'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi!',
  'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nhi',
  'HTTP/1.1 99 OK\r\nContent-Length: 2\r\n\r\nhi',
  'HTTP/1.1 1000 OK\r\nContent-Length: 2\r\n\r\nhi',
  'HTTP/2.7 200 OK\r\nContent-Length: 2\r\n\r\nhi',
  'ICY 200 OK\r\n\r\nhi',
  '\0\0\0\0\r\n\r\n',
  `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}\r\nContent-Length: 2\r\n\r\nhi`,
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nframes',
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi',
];

describe('what an API sends', () => {
  it.each(ODD_HEADS)('becomes one whole answer, or a 502 that costs nothing: %j', async (bytes) => {
    const odd = await openQueueOf(bytes);
    const behind = await laySiege(`
routes:
  - { path: /paid, price: $0.01, upstream: { url: "${odd.url}" } }
  - { path: /free, price: free, upstream: { url: "${odd.url}" } }
`);
    for (const headers of [[], [paying(await behind.sign('/paid'))]]) {
      const path = headers.length === 0 ? '/free' : '/paid';
      const peer = await behind.connect();
      peer.send(request(`GET ${path}`, ['Connection: close', ...headers]));
      const answers = answersIn(await peer.ended);
      expect(answers).toHaveLength(1);
      const [answer] = answers;
      expect([200, 502]).toContain(answer && statusOf(answer));
      expect(answer?.all('x-injected')).toEqual([]);
      const isRefused = answer !== undefined && statusOf(answer) === 502;
      if (isRefused) expect(codeOf(answer)).toMatch(/^upstream_/);
      const settled = behind.facilitator?.requests.filter(({ endpoint }) => endpoint === 'settle').length;
      if (path === '/paid') expect(settled).toBe(isRefused ? 0 : 1);
    }
    await behind.close();
    await odd.close();
  });

  it('cannot pass for a receipt, a price or facts of a payment', async () => {
    siege.answer((req, res) => {
      for (const name of [
        'PAYMENT-RESPONSE',
        'payment_response',
        'PAYMENT-REQUIRED',
        'X-PAYMENT-RESPONSE',
        'X402-Payer',
        'Settlement-Overrides',
        'PAYMENT-SETTLEMENT',
      ]) {
        res.setHeader(name, 'forged');
      }
      res.setHeader('Connection', 'PAYMENT-RESPONSE, Cache-Control, Vary');
      res.setHeader('Cache-Control', 'public, s-maxage=1000');
      res.setHeader('CDN-Cache-Control', 'max-age=1000');
      req.on('end', () => res.end('hi'));
    });
    const free = await siege.ask(lastRequest('GET /free/x'));
    const paid = await siege.ask(lastRequest('GET /paid/x', [paying(await siege.sign('/paid/x'))]));
    for (const { headers } of [free, paid]) expect(headers.map(([, value]) => value)).not.toContain('forged');
    expect(paid.all('payment-response')).toHaveLength(1);
    expect(paid.all('cache-control')).toEqual(['private']);
    expect(paid.all('cdn-cache-control')).toEqual([]);
    expect(paid.all('vary').join()).toContain('PAYMENT-SIGNATURE');
  });

  it('does not reveal the address of the API', async () => {
    const behind = await laySiege('\nroutes:\n  - { path: /*, price: free, upstream: "http://127.0.0.1:1" }\n');
    const response = await behind.ask(lastRequest('GET /x'));
    expect(statusOf(response)).toBe(502);
    expect(response.body.toString('utf8') + JSON.stringify(response.headers)).not.toMatch(
      /127\.0\.0\.1|ECONN|node:|\.ts/,
    );
    await behind.close();
  });
});
