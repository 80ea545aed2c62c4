import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openMemoryLedger } from '../../src/store/memory/memory-ledger.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { challengeOf, settlementOf, signFor } from '../support/buyer.ts';
import { type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { connectRaw } from '../support/raw-http.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/** Requests that cost nothing until a client has used up what it gets. */

const DAY_MS = 86_400_000;

let devnet: Devnet;
let upstream: TestUpstream;
let buyer: Payer;
let gateway: TestGateway;
let store: PaymentStore;
let now: number;
let answer: (req: IncomingMessage, res: ServerResponse) => void;

beforeAll(async () => {
  const served = (req: IncomingMessage, res: ServerResponse) => {
    req.resume();
    answer(req, res);
  };
  [devnet, upstream] = await Promise.all([startDevnet(), startUpstream(served)]);
});

afterAll(async () => {
  await Promise.all([devnet.close(), upstream.close()]);
});

beforeEach(async () => {
  now = Date.now();
  answer = (_, res) => res.end('news');
  store = openMemoryLedger(() => now);
  buyer = await freshPayer(devnet);
  gateway = await open('trustedProxies: [127.0.0.1]\n');
});

afterEach(async () => await gateway.close());

function open(more: string): Promise<TestGateway> {
  return startTestGateway(
    `${settings(devnet, upstream.url)}
${more}routes:
  - { path: /news, price: $0.001, free: { requests: 3, per: day } }
  - { path: /other, price: $0.001, free: { requests: 1, per: 3000d } }
  - path: /rpc
    free: { requests: 1, per: 3000d }
    prices: [{ when: { jsonrpc: "*" }, price: $0.001 }]
  - { path: /tunnel, price: $0.001, free: { requests: 1, per: 3000d } }
`,
    { store, clock: () => now },
  );
}

function ask(path: string, from?: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (from !== undefined) headers.set('X-Forwarded-For', from);
  return fetch(gateway.url + path, { ...init, headers });
}

async function statuses(count: number, path: string, from: (index: number) => string | undefined): Promise<number[]> {
  const answers: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const got = await ask(path, from(index));
    await got.arrayBuffer();
    answers.push(got.status);
  }
  return answers;
}

describe('a client with free requests left', () => {
  it('spends none on a page that its browser loads ahead', async () => {
    expect((await ask('/other', undefined, { headers: { 'Sec-Purpose': 'prefetch' } })).status).toBe(402);
    expect((await ask('/other')).status).toBe(200);
  });

  it('is served without a payment, and told how many are left and when there are more', async () => {
    const got = await ask('/news', '192.0.2.1');
    expect([got.status, await got.text(), got.headers.get('payment-response')]).toEqual([200, 'news', null]);
    expect(got.headers.get('ratelimit-policy')).toBe('"free";q=3;w=86400');
    const [, left, seconds] = /^"free";r=(\d+);t=(\d+)$/.exec(got.headers.get('ratelimit') ?? '') ?? [];
    expect([left, Number(seconds)]).toEqual(['2', Math.ceil((DAY_MS - (now % DAY_MS)) / 1000)]);
    expect(got.headers.get('cache-control')).toContain('private');
  });

  it('is asked for money when it has used them up, with the price and what is left in the head', async () => {
    expect(await statuses(4, '/news', () => '192.0.2.1')).toEqual([200, 200, 200, 402]);
    const refused = await ask('/news', '192.0.2.1');
    expect(challengeOf(refused).accepts).toHaveLength(1);
    expect(refused.headers.get('ratelimit')).toMatch(/^"free";r=0;t=\d+$/);
  });

  it('has them again in the next period', async () => {
    await statuses(4, '/news', () => '192.0.2.1');
    now += DAY_MS;
    expect(await statuses(1, '/news', () => '192.0.2.1')).toEqual([200]);
  });

  it('pays for a request that it sends a payment with, and keeps its free ones', async () => {
    await statuses(3, '/news', () => '192.0.2.1');
    const url = `${gateway.url}/news`;
    const init = { headers: { 'X-Forwarded-For': '192.0.2.1' } };
    const header = await signFor(devnet, buyer, url, init);
    const other = { headers: { 'X-Forwarded-For': '192.0.2.9', 'PAYMENT-SIGNATURE': header } };
    expect(settlementOf(await fetch(url, other)).success).toBe(true);
    expect(await statuses(3, '/news', () => '192.0.2.9')).toEqual([200, 200, 200]);
  });

  it('gets no free batch', async () => {
    const call = { jsonrpc: '2.0', id: 1, method: 'a' };
    const post = (body: unknown) => ask('/rpc', '192.0.2.1', { method: 'POST', body: JSON.stringify(body) });
    expect((await post([call, call])).status).toBe(402);
    expect((await post(call)).status).toBe(200);
    expect((await post(call)).status).toBe(402);
  });

  it('uses one for each connection that it opens, and none for one that the API refuses to open', async () => {
    const upgrade = [
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: AAAA',
    ];
    const open = async (): Promise<string> => {
      const client = await connectRaw(Number(new URL(gateway.url).port));
      client.send(`GET /tunnel HTTP/1.1\r\nHost: gw\r\n${upgrade.join('\r\n')}\r\n\r\n`);
      const head = (await client.until('\r\n\r\n')).toString();
      client.socket.destroy();
      return head.slice(9, 12);
    };
    answer = (_, res) => res.writeHead(503).end();
    expect([await open(), await open()]).toEqual(['503', '503']);
    answer = (_, res) => res.end();
    expect([await open(), await open()]).toEqual(['200', '402']);
  });
});

describe('one client', () => {
  it('is an IPv4 address, in whatever form', async () => {
    const forms = ['192.0.2.7', '::ffff:192.0.2.7', '192.0.2.7:4711', '::ffff:c000:207'];
    expect(await statuses(4, '/news', (index) => forms[index])).toEqual([200, 200, 200, 402]);
  });

  it('is an IPv6 network of 64 bits, whatever address of it is used', async () => {
    const inOne = (index: number) => `2001:db8:0:1:${(index + 1).toString(16)}::${index}`;
    expect(await statuses(5, '/news', inOne)).toEqual([200, 200, 200, 402, 402]);
    expect(await statuses(1, '/news', () => '2001:db8:0:2::1')).toEqual([200]);
  });

  it('is not an address that the client writes before the one of the proxy', async () => {
    const spoofed = (index: number) => `198.51.100.${index}, 192.0.2.7`;
    expect(await statuses(5, '/news', spoofed)).toEqual([200, 200, 200, 402, 402]);
  });

  it('is the peer where no proxy is trusted, whatever forwarding headers say', async () => {
    await gateway.close();
    store = openMemoryLedger(() => now);
    gateway = await open('');
    expect(await statuses(5, '/news', (index) => `198.51.100.${index}`)).toEqual([200, 200, 200, 402, 402]);
    const names = ['Forwarded', 'X-Real-IP', 'X-Client-IP', 'True-Client-IP', 'CF-Connecting-IP', 'X-Forwarded-For'];
    for (const name of names) {
      const value = name === 'Forwarded' ? 'for=198.51.100.77' : '198.51.100.77';
      expect((await ask('/news', undefined, { headers: { [name]: value } })).status).toBe(402);
    }
  });
});

describe('a free request', () => {
  it('is given back where the API fails or is not there', async () => {
    answer = (_, res) => res.writeHead(503).end();
    expect(await statuses(6, '/news', () => '192.0.2.1')).toEqual([503, 503, 503, 503, 503, 503]);
    answer = (_, res) => res.destroy();
    expect(await statuses(4, '/news', () => '192.0.2.1')).toEqual([502, 502, 502, 502]);
    answer = (_, res) => res.writeHead(404).end();
    expect(await statuses(4, '/news', () => '192.0.2.1')).toEqual([404, 404, 404, 402]);
  });

  it('is used up by a client that leaves while the API works', async () => {
    for (let count = 0; count < 3; count += 1) {
      const asked = Promise.withResolvers<ServerResponse>();
      answer = (_, res) => asked.resolve(res);
      const client = await connectRaw(Number(new URL(gateway.url).port));
      client.send('GET /news HTTP/1.1\r\nHost: gw\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n');
      const api = await asked.promise;
      const gone = new Promise((resolve) => api.once('close', resolve));
      client.socket.destroy();
      await gone;
    }
    expect(await statuses(1, '/news', () => '192.0.2.1')).toEqual([402]);
  });

  it('is served no more often than the quota allows, of fifty at once', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask('/news', '192.0.2.1')));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
    expect(answers.filter(({ status }) => status === 402)).toHaveLength(47);
  });

  it('is logged and counted as one, and told to the API without a payer', async () => {
    let seen: IncomingMessage['headers'] = {};
    answer = (req, res) => {
      seen = req.headers;
      res.end();
    };
    await ask('/other', '192.0.2.1', { headers: { 'X402-Payer': 'somebody' } });
    expect([seen['x402-payer'], seen['x402-route']]).toEqual([undefined, '/other']);
    expect(gateway.log.at(-1)).toMatchObject({ outcome: 'free_quota', status: 200 });
    const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
    expect(metrics).toContain('turnpike_requests_total{route="/other",outcome="free_quota",code="none"} 1');
  });

  it('is not given while the store is away: the price is stated', async () => {
    await store.close();
    const got = await ask('/news', '192.0.2.1');
    expect([got.status, challengeOf(got).accepts.length]).toEqual([402, 1]);
  });
});
