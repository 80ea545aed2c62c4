import { createHash } from 'node:crypto';
import type { PaymentRequired } from '@x402/core/types';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Devnet, freshPayer, type Payer, signPayment, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type McpTestServer, startMcpServer } from '../support/mcp/server.ts';
import { messagesIn, priceOf, RawSession } from '../support/mcp/session.ts';
import { exchangeRaw } from '../support/raw-http.ts';
import { settings } from '../support/settings.ts';

const RECEIPT = 'x402/payment-response';
const SEARCH = { name: 'search', arguments: { query: 'tea' } };
const VERSIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'];
const KEY = 'k3y-of-acme-0123456789abcdef';

let devnet: Devnet;
let payer: Payer;

beforeAll(async () => {
  devnet = await startDevnet();
  payer = await freshPayer(devnet);
});

afterAll(() => devnet.close());

async function spent(act: () => Promise<unknown>): Promise<bigint> {
  const before = await devnet.usdcBalanceOf(payer.address);
  await act();
  return before - (await devnet.usdcBalanceOf(payer.address));
}

async function payFor(session: RawSession): Promise<object> {
  const required = priceOf(await session.callTool(1, SEARCH)) as unknown as PaymentRequired;
  const [accepted] = required.accepts;
  if (accepted === undefined) throw new Error('no offer');
  return { ...(await signPayment(devnet, payer, accepted)), resource: required.resource };
}

describe.each([
  ['event streams', false],
  ['JSON', true],
])('sessions with a server that answers with %s', (_, json) => {
  let server: McpTestServer;
  let gateway: TestGateway;

  beforeAll(async () => {
    server = await startMcpServer({ json });
    const hash = createHash('sha256').update(KEY).digest('hex');
    gateway = await startTestGateway(`${settings(devnet, server.url)}routes:
  - { path: /mcp, mcp: { tools: { search: $0.001, broken: $0.001, free_time: free } } }
  - path: /keys
    mcp: { tools: { search: $0.001 } }
    keys: { header: X-Api-Key, sha256: "${hash}", requests: 2, per: 3000d, forward: off }
    rewrite: { from: /keys, to: /mcp }
  - path: /quota
    mcp: { tools: { search: $0.001, free_time: free } }
    free: { requests: 2, per: 3000d }
    rewrite: { from: /quota, to: /mcp }
`);
  });

  afterAll(async () => {
    await gateway.close();
    await server.close();
  });

  it.each(VERSIONS)('are sold to clients of %s', async (version) => {
    const session = await new RawSession(`${gateway.url}/mcp`).open(version);
    session.headers['mcp-protocol-version'] = version;
    const { result } = await session.ask({ id: 9, method: 'tools/list' });
    expect(JSON.stringify(result)).toContain('x402/price');
    const payment = await payFor(session);
    const calls = server.calls.length;
    expect(
      await spent(async () => {
        const paid = await session.callTool('a-text', SEARCH, payment);
        expect(paid).toMatchObject({ id: 'a-text', result: { content: [{ text: 'found tea' }] } });
        expect(paid.result?._meta?.[RECEIPT]).toMatchObject({ success: true });
      }),
    ).toBe(1000n);
    expect(server.calls.slice(calls)).toEqual(['search']);
  });

  it('of versions that had batches refuse a batch: each call is sent alone', async () => {
    const session = await new RawSession(`${gateway.url}/mcp`).open('2025-03-26');
    const call = { jsonrpc: '2.0', method: 'tools/call', params: { name: 'free_time' } };
    const bodies = server.bodies.length;
    const answer = await session.send(
      JSON.stringify([
        { ...call, id: 1 },
        { ...call, id: 2 },
      ]),
    );
    expect([answer.status, await answer.json()]).toMatchObject([400, { error: { code: -32600 } }]);
    expect(server.bodies.length).toBe(bodies);
  });

  it('end with DELETE, free of charge, and sell nothing afterwards', async () => {
    const session = await new RawSession(`${gateway.url}/mcp`).open();
    const payment = await payFor(session);
    const ended = await fetch(session.url, { method: 'DELETE', headers: session.headers });
    expect(ended.status).toBe(200);
    const calls = server.calls.length;
    expect(
      await spent(async () => {
        const answer = await session.post({
          id: 2,
          method: 'tools/call',
          params: { ...SEARCH, _meta: { 'x402/payment': payment } },
        });
        expect(answer.status).toBeGreaterThanOrEqual(400);
        await answer.text();
      }),
    ).toBe(0n);
    expect(server.calls.length).toBe(calls);
    // Nothing was sold: the payment is good in another session.
    const other = await new RawSession(`${gateway.url}/mcp`).open();
    expect(await spent(() => other.callTool(3, SEARCH, payment))).toBe(1000n);
  });

  it('sent as raw bytes are priced like any other, without further headers', async () => {
    const session = await new RawSession(`${gateway.url}/mcp`).open();
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: SEARCH });
    const { port } = new URL(gateway.url);
    const head = [
      'POST /mcp HTTP/1.1',
      `Host: 127.0.0.1:${port}`,
      `Mcp-Session-Id: ${session.headers['mcp-session-id']}`,
    ];
    const chunks = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    const sent = `${[...head, 'Transfer-Encoding: chunked', 'Connection: close'].join('\r\n')}\r\n\r\n${chunks}`;
    const calls = server.calls.length;
    const answer = await exchangeRaw(Number(port), sent);
    expect(answer.body.toString()).toContain('x402Version');
    expect(server.calls.length).toBe(calls);
  });

  it('with a customer’s key are free as often as the file says, and the server does not see the key', async () => {
    const session = await new RawSession(`${gateway.url}/keys`).open();
    session.headers['x-api-key'] = KEY;
    const calls = server.calls.length;
    for (const id of [2, 3]) {
      expect(await session.callTool(id, SEARCH)).toMatchObject({ id, result: { content: [{ text: 'found tea' }] } });
    }
    expect((await session.callTool(4, SEARCH)).result?.isError).toBe(true);
    session.headers['x-api-key'] = `${KEY}x`;
    expect((await session.callTool(5, SEARCH)).result?.isError).toBe(true);
    expect(server.calls.slice(calls)).toEqual(['search', 'search']);
  });

  it('have a quota of free calls to priced tools, and calls to free tools do not use it', async () => {
    const session = await new RawSession(`${gateway.url}/quota`).open();
    for (const id of [2, 3]) {
      await session.callTool(10 + id, { name: 'free_time', arguments: {} });
      const free = await session.callTool(id, SEARCH);
      expect(free).toMatchObject({ id, result: { content: [{ text: 'found tea' }] } });
    }
    const payment = await payFor(session);
    expect(await spent(() => session.callTool(6, SEARCH, payment))).toBe(1000n);
    expect(messagesIn(await (await session.post({ id: 7, method: 'ping' })).text())).toMatchObject([
      { id: 7, result: {} },
    ]);
  });
});
