import type { IncomingMessage, ServerResponse } from 'node:http';
import { createPublicClient, http } from 'viem';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BODY_TRICKS } from '../support/body-tricks.ts';
import { challengeOf, settlementOf, signFor, stockFetch } from '../support/buyer.ts';
import { type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { planOf, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { exchangeRaw } from '../support/raw-http.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/** Routes with several prices, in front of an API that says what it got and a real JSON-RPC node. */

let devnet: Devnet;
let upstream: TestUpstream;
let buyer: Payer;
let gateway: TestGateway;
/** Bodies as the API got them. */
const got: Buffer[] = [];

beforeAll(async () => {
  [devnet, upstream] = await Promise.all([startDevnet(), startUpstream(echo)]);
  buyer = await freshPayer(devnet);
  gateway = await startTestGateway(`${settings(devnet, upstream.url)}
limits: { pricedBodyBytes: 1KB }
routes:
  - path: /models
    name: models
    prices:
      - { when: { json: { /model: cheap } }, price: $0.001, name: cheap }
      - { when: { json: { /model: "free*" } }, price: free }
      - { when: { json: { /model: dear, /n: { min: 2 } } }, price: $0.03, settle: before, description: Many }
      - { when: { json: { /model: dear } }, price: $0.01, name: dear }
  - path: /heads
    name: heads
    prices:
      - { when: { header: { X-Tier: batch } }, price: $0.001 }
      - { when: { query: { size: [large, huge] } }, price: $0.004 }
      - { when: { method: POST }, price: $0.003 }
      - { price: $0.002 }
  - path: /agents
    name: agents
    prices:
      - { when: { agent: bot }, price: $0.002 }
      - { price: free }
  - path: /gifts
    prices:
      - { when: { json: { /model: cheap } }, price: free }
  - path: /rpc
    name: rpc
    upstream: ${devnet.rpcUrl}
    rewrite: { from: /rpc, to: / }
    prices:
      - { when: { jsonrpc: [eth_chainId, "eth_get*"] }, price: $0.001, name: reads }
      - { when: { jsonrpc: eth_blockNumber }, price: free }
      - { when: { jsonrpc: eth_call, json: { /params/1: latest } }, price: $0.005, name: calls }
`);
});

afterAll(async () => {
  await gateway.close();
  await Promise.all([devnet.close(), upstream.close()]);
});

beforeEach(() => got.splice(0));

function echo(req: IncomingMessage, res: ServerResponse): void {
  const chunks: Buffer[] = [];
  req.on('data', (chunk: Buffer) => chunks.push(chunk));
  req.on('end', () => {
    got.push(Buffer.concat(chunks));
    res.end('served');
  });
}

function post(path: string, body: string | Buffer, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(gateway.url + path, { method: 'POST', body: new Uint8Array(Buffer.from(body)), headers });
}

async function amountOf(asking: Promise<Response>): Promise<string | number> {
  const response = await asking;
  await response.arrayBuffer();
  return response.status === 402 ? (challengeOf(response).accepts[0]?.amount ?? 'none') : response.status;
}

async function codeOf(asking: Promise<Response>): Promise<unknown> {
  const body: unknown = await (await asking).json();
  return typeof body === 'object' && body !== null && 'code' in body ? body.code : body;
}

describe('prices by what the body says', () => {
  it.each([
    ['{"model":"cheap"}', '1000'],
    ['{"model":"dear"}', '10000'],
    ['{"model":"dear","n":2}', '30000'],
    ['{"n":2.0,"model":"dear"}', '30000'],
    ['{"model":"dear","n":1.99}', '10000'],
    ['{"model":"free-of-all"}', 200],
    ['{"model":"other"}', 400],
    ['{}', 400],
  ])('ask for %s %s', async (body, amount) => {
    expect(await amountOf(post('/models', body))).toBe(amount);
  });

  it('refuse a request without an entry, and do not call the API', async () => {
    expect(await codeOf(post('/models', '{"model":"other"}'))).toBe('request_not_priced');
    expect(got).toEqual([]);
  });

  it('refuse a request without an entry also when all entries are free', async () => {
    expect(await amountOf(post('/gifts', '{"model":"cheap"}'))).toBe(200);
    expect(await codeOf(post('/gifts', '{"model":"dear"}'))).toBe('request_not_priced');
  });

  it('refuse a value that some APIs convert to the number that is asked for', async () => {
    for (const n of ['"2"', 'true', '[2]', '{"$gt":1}'])
      expect(await codeOf(post('/models', `{"model":"dear","n":${n}}`)), n).toBe('body_ambiguous');
  });

  it.each(BODY_TRICKS)('let no body with $name through that costs more than was asked for', async ({
    bytes,
    model,
  }) => {
    const answer = await amountOf(post('/models', bytes));
    const limit = bytes.length > 1024 ? 413 : 400;
    const expected = { cheap: '1000', dear: '10000' }[model] ?? limit;
    expect(answer).toBe(expected);
    expect(got).toEqual([]);
  });

  it.each([
    ['Content-Encoding', 'gzip'],
    ['Content-Type', 'application/json; charset=utf-16'],
    ['Content-Type', 'application/json; charset="latin1"'],
    ['Content-Type', 'application/x-www-form-urlencoded'],
    ['Content-Type', 'multipart/form-data; boundary=x'],
    ['Content-Type', 'application/soap+xml'],
  ])('refuse a body that is sent with %s: %s', async (name, value) => {
    expect(await codeOf(post('/models', '{"model":"cheap"}', { [name]: value }))).toBe('body_ambiguous');
  });

  it('refuse a body without a media type in which a server can find a form', async () => {
    const body = Buffer.from('{"model":"cheap","x":"&model=dear&y="}');
    expect(await codeOf(post('/models', body))).toBe('body_ambiguous');
    expect(await amountOf(post('/models', body, { 'Content-Type': 'application/json' }))).toBe('1000');
    expect(await amountOf(post('/models', Buffer.from('{"model":"cheap"}')))).toBe('1000');
  });

  it('ignore the media type, because APIs do', async () => {
    expect(await amountOf(post('/models', '{"model":"dear"}', { 'Content-Type': 'text/plain' }))).toBe('10000');
  });

  it('show the dearest price to a request without a body', async () => {
    expect(await amountOf(post('/models', ''))).toBe('30000');
    expect(await amountOf(fetch(`${gateway.url}/models`))).toBe('30000');
  });

  it('forward a paid body byte for byte, and file the payment under the price', async () => {
    const body = ' {"model" : "\\u0064ear", "text":"é" }\n';
    const pay = stockFetch(buyer.key);
    const response = await pay(`${gateway.url}/models`, { method: 'POST', body });
    expect([response.status, await response.text()]).toEqual([200, 'served']);
    expect(settlementOf(response)).toMatchObject({ success: true });
    expect(got.map(String)).toEqual([body]);
    const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
    expect(metrics).toMatch(/turnpike_revenue_atomic_total\{route="models#dear",[^}]*\} 10000/);
  });

  it('do not take a payment for a cheaper body', async () => {
    const init = { method: 'POST', body: '{"model":"cheap"}' };
    const header = await signFor(devnet, buyer, `${gateway.url}/models`, init);
    const swapped = await post('/models', '{"model":"dear"}', { 'PAYMENT-SIGNATURE': header });
    expect(swapped.status).toBe(402);
    expect(got).toEqual([]);
    const honest = await post('/models', init.body, { 'PAYMENT-SIGNATURE': header });
    expect(honest.status).toBe(200);
  });

  it('bind a payment to the body that it was used for, also among bodies that cost the same', async () => {
    const init = { method: 'POST', body: '{"model":"dear","a":1}' };
    const header = await signFor(devnet, buyer, `${gateway.url}/models`, init);
    expect((await post('/models', init.body, { 'PAYMENT-SIGNATURE': header })).status).toBe(200);
    const other = post('/models', '{"model":"dear","a":2}', { 'PAYMENT-SIGNATURE': header });
    expect(await codeOf(other)).toBe('payment_bound_to_another_request');
  });
});

describe('prices by the head', () => {
  it.each([
    ['GET', '/heads', {}, '2000'],
    ['POST', '/heads', {}, '3000'],
    ['GET', '/heads', { 'X-Tier': 'batch' }, '1000'],
    ['GET', '/heads?size=huge&x=1', {}, '4000'],
    ['GET', '/heads?si%7Ae=l%61rge', {}, '4000'],
    ['GET', '/heads?size=small', {}, '2000'],
  ])('ask for %s %s with %o %s', async (method, path, headers, amount) => {
    expect(await amountOf(fetch(gateway.url + path, { method, headers }))).toBe(amount);
  });

  it.each([
    '/heads?size=large&size=small',
    '/heads?size=small&si%7ae=large',
    '/heads?size=small&SIZE=large',
    '/heads?size[]=large',
    '/heads?size%5B0%5D=large',
    '/heads?a=1;size=large',
    '/heads?size=%ff',
    '/heads?size=large%00',
  ])('refuse %s', async (path) => {
    expect(await codeOf(fetch(gateway.url + path))).toBe('request_ambiguous');
  });

  it.each([
    'X-Tier: batch\r\nX-Tier: none',
    'X-Tier: none\r\nx-tier: batch',
    'X_Tier: batch',
    'X-Tier: batch\r\nConnection: X-Tier',
    'X-HTTP-Method-Override: POST',
  ])('refuse a request with %j', async (lines) => {
    const { port } = new URL(gateway.url);
    const text = `GET /heads HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${lines}\r\n\r\n`;
    const { statusLine, body } = await exchangeRaw(Number(port), text);
    expect(statusLine).toContain(' 400 ');
    expect(String(body)).toContain('request_ambiguous');
  });

  it('charge bots and those who do not say who they are, and not browsers', async () => {
    const as = (agent: string): Promise<string | number> =>
      amountOf(fetch(`${gateway.url}/agents`, { headers: { 'User-Agent': agent } }));
    expect(await as('GPTBot/1.2')).toBe('2000');
    expect(await as('')).toBe('2000');
    expect(await as('Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0')).toBe(200);
  });

  it('keep a free answer of a route that others pay for out of shared caches', async () => {
    const response = await fetch(`${gateway.url}/agents`, { headers: { 'User-Agent': 'Mozilla/5.0 Firefox/140.0' } });
    expect(response.headers.get('cache-control')).toContain('private');
  });
});

describe('JSON-RPC calls', () => {
  const call = (method: string, params: readonly unknown[] = []): object => ({ jsonrpc: '2.0', id: 1, method, params });
  const [reads, free, calls] = [call('eth_chainId'), call('eth_blockNumber'), call('eth_call', [{}, 'latest'])];

  it.each([
    ['one call', reads, '1000'],
    ['another call', calls, '5000'],
    ['a call that is free', free, 200],
    ['a method without a price', call('debug_traceCall'), 400],
    ['a priced method with other parameters', call('eth_call', [{}, 'earliest']), 400],
    ['a batch', [reads, reads, calls], '7000'],
    ['a batch with free calls', [free, reads, free], '1000'],
    ['a batch of one', [calls], '5000'],
    ['a batch of free calls', [free, free], 200],
    ['a batch with one call that has no price', [reads, call('debug_traceCall')], 400],
    ['an empty batch', [], 400],
    ['a batch in a batch', [[reads]], 400],
    ['a batch with something that is no call', [reads, 1], 400],
  ])('of %s cost their sum', async (_what, body, amount) => {
    expect(await amountOf(post('/rpc', JSON.stringify(body)))).toBe(amount);
  });

  it('say in the 402 of a batch that it is a sum', async () => {
    const response = await post('/rpc', JSON.stringify([reads, calls]));
    expect(challengeOf(response).resource.description).toBe('Sum of 2 calls');
  });

  it('are paid for and answered by a real node, alone and in batches, by viem', async () => {
    const paying = stockFetch(buyer.key);
    const client = createPublicClient({
      transport: http(`${gateway.url}/rpc`, {
        batch: { wait: 20 },
        retryCount: 0,
        fetchFn: (input, init) => paying(input, init),
      }),
    });
    const before = await devnet.usdcBalanceOf(buyer.address);
    expect(await client.getChainId()).toBe(Number(devnet.network.split(':')[1]));
    const answers = await Promise.all([
      client.getChainId(),
      client.getBalance({ address: buyer.address }),
      client.getBlockNumber(),
    ]);
    expect(answers[0]).toBe(Number(devnet.network.split(':')[1]));
    expect(before - (await devnet.usdcBalanceOf(buyer.address))).toBe(3000n);
  });

  it('are filed as a batch in the metrics, whatever is in them', async () => {
    const paying = stockFetch(buyer.key);
    const response = await paying(`${gateway.url}/rpc`, { method: 'POST', body: JSON.stringify([reads, calls]) });
    expect(response.status).toBe(200);
    const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
    expect(metrics).toMatch(/turnpike_payments_total\{route="rpc#batch",/);
  });

  it('are honoured at the price that was quoted when prices change', async () => {
    const init = { method: 'POST', body: JSON.stringify([reads, calls]) };
    const header = await signFor(devnet, buyer, `${gateway.url}/rpc`, init);
    await gateway.reload(await rpcPlan('$0.002'), new Map());
    expect(await amountOf(post('/rpc', init.body))).toBe('7000');
    const paid = await post('/rpc', init.body, { 'PAYMENT-SIGNATURE': header });
    expect(paid.status).toBe(200);
    await gateway.reload(gateway.plan, new Map());
  });
});

/** A plan with another price of reads. */
async function rpcPlan(price: string): Promise<TestGateway['plan']> {
  return await planOf(`listen: 127.0.0.1:0
admin: 127.0.0.1:0
${settings(devnet, upstream.url)}
routes:
  - path: /rpc
    name: rpc
    upstream: ${devnet.rpcUrl}
    rewrite: { from: /rpc, to: / }
    prices:
      - { when: { jsonrpc: [eth_chainId, "eth_get*"] }, price: ${price}, name: reads }
      - { when: { jsonrpc: eth_call, json: { /params/1: latest } }, price: $0.005, name: calls }
`);
}
