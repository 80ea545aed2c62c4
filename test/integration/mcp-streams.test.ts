import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { PaymentPayload, PaymentRequired } from '@x402/core/types';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Devnet, freshPayer, type Payer, signPayment, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type McpTestServer, startMcpServer } from '../support/mcp/server.ts';
import { messagesIn, priceOf, RawSession, type RpcMessage } from '../support/mcp/session.ts';
import { settings } from '../support/settings.ts';

const gated = (name: string) => ({ name: 'gated', arguments: { name } });
/** Less than two of them is what a buyer has. */
const PRICE = 600_000n;

let devnet: Devnet;
let server: McpTestServer;
let gateway: TestGateway;
let session: RawSession;
let buyer: Payer;
/** Calls that waited before this test. */
let waited = 0;

beforeAll(async () => {
  [devnet, server] = await Promise.all([startDevnet(), startMcpServer()]);
  gateway = await startTestGateway(`${settings(devnet, server.url)}routes:
  - path: /mcp
    mcp: { tools: { gated: $0.60, free_time: free } }
  - path: /hour
    mcp: { tools: { gated: $0.60 } }
    access: { for: 1h }
    rewrite: { from: /hour, to: /mcp }
`);
});

beforeEach(async () => {
  buyer = await freshPayer(devnet);
  session = await new RawSession(`${gateway.url}/mcp`).open();
});

afterAll(async () => {
  await gateway.close();
  await server.close();
  await devnet.close();
});

const balance = (): Promise<bigint> => devnet.usdcBalanceOf(buyer.address);

async function pay(name: string): Promise<PaymentPayload> {
  const required = priceOf(await session.callTool(1, gated(name))) as unknown as PaymentRequired;
  const [accepted] = required.accepts;
  if (accepted === undefined) throw new Error('no offer');
  return { ...(await signPayment(devnet, buyer, accepted)), resource: required.resource };
}

/** Begins a call that reports its progress, and resolves when the first part of its answer is there. */
async function begin(id: number, name: string, payment: PaymentPayload, signal?: AbortSignal) {
  const _meta = { progressToken: id, 'x402/payment': payment };
  const init = signal === undefined ? {} : { signal };
  const answer = await session.post({ id, method: 'tools/call', params: { ...gated(name), _meta } }, init);
  const reader = (answer.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream()).getReader();
  const first = (await reader.read()).value ?? '';
  await server.gate.arrived(++waited);
  return { answer, reader, first };
}

async function rest(reader: ReadableStreamDefaultReader<string>): Promise<string> {
  let text = '';
  for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
  return text;
}

/** Asks for all that the server has kept of the session's streams. */
async function resume(url: string): Promise<string> {
  const resumed = await fetch(url, { headers: { ...session.headers, 'last-event-id': '0' } });
  const text = resumed.text();
  await server.endStreams();
  return await text;
}

describe('the stream of a paid call', () => {
  it('brings progress while the server works, and the result with its receipt when the money has moved', async () => {
    const before = await balance();
    const { answer, reader, first } = await begin(2, 'tea', await pay('tea'));
    expect(answer.headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect(messagesIn(first)).toMatchObject([{ method: 'notifications/progress', params: { progressToken: 2 } }]);
    expect(before - (await balance())).toBe(0n);
    server.gate.open();
    const [result] = messagesIn(await rest(reader));
    expect(before - (await balance())).toBe(PRICE);
    expect(result).toMatchObject({
      id: 2,
      result: { content: [{ text: 'passed tea' }], _meta: { 'x402/payment-response': { success: true } } },
    });
  });

  it('states the price instead of the result when the settlement is refused, and no other stream has the result', async () => {
    const before = await balance();
    const [one, other] = [await begin(2, 'tea', await pay('tea')), await begin(3, 'coffee', await pay('coffee'))];
    server.gate.open();
    const ends = await Promise.all([rest(one.reader), rest(other.reader)]);
    const messages = ends.flatMap((text): readonly RpcMessage[] => messagesIn(text));
    const [paid, refused] = messages.sort((a) => (a.result?.isError === true ? 1 : -1));
    expect(paid?.result?.content[0]?.text).toMatch(/^passed /);
    expect(refused?.result).toMatchObject({
      isError: true,
      structuredContent: { accepts: [{ amount: String(PRICE) }] },
    });
    expect(JSON.stringify(refused)).not.toContain('passed');
    expect(before - (await balance())).toBe(PRICE);
    const refusedName = refused?.id === 2 ? 'tea' : 'coffee';
    expect(await resume(session.url)).not.toContain('passed');
    expect(await resume(server.url)).toContain(`passed ${refusedName}`);
  });

  it('is not charged when the buyer leaves: no other stream has the result, and the payment is valid for another call', async () => {
    const before = await balance();
    const payment = await pay('tea');
    const leaving = new AbortController();
    const { reader } = await begin(2, 'tea', payment, leaving.signal);
    leaving.abort();
    await expect(reader.read()).rejects.toThrow();
    const left = (): boolean => gateway.log.some(({ outcome }) => outcome === 'client_gone');
    while (!left()) await session.callTool(3, { name: 'free_time', arguments: {} });
    server.gate.open();
    expect(await resume(session.url)).not.toContain('passed');
    expect(before - (await balance())).toBe(0n);
    const again = await begin(4, 'tea', payment);
    server.gate.open();
    expect(messagesIn(await rest(again.reader))).toMatchObject([
      { id: 4, result: { content: [{ text: 'passed tea' }] } },
    ]);
    expect(before - (await balance())).toBe(PRICE);
  });

  it('ends when the client cancels the call; the server is told, and the payment stays valid', async () => {
    const payment = await pay('milk');
    const before = await balance();
    const client = new Client({ name: 'test', version: '1' });
    const transport = new StreamableHTTPClientTransport(new URL(session.url));
    await client.connect(transport as Parameters<Client['connect']>[0]);
    const cancelling = new AbortController();
    const call = client.callTool({ ...gated('milk'), _meta: { 'x402/payment': payment } }, undefined, {
      signal: cancelling.signal,
      onprogress: () => cancelling.abort('enough'),
    });
    await expect(call).rejects.toThrow('enough');
    waited++;
    // It goes on in the server's time.
    while (!server.cancelled.includes('milk')) await client.ping();
    await client.close();
    expect(before - (await balance())).toBe(0n);
    const again = await begin(5, 'milk', payment);
    server.gate.open();
    expect(messagesIn(await rest(again.reader))).toMatchObject([
      { id: 5, result: { content: [{ text: 'passed milk' }] } },
    ]);
  });

  it('shows progress to a buyer who pays by a header; the receipt or the refusal is in the result', async () => {
    const before = await balance();
    const headerOf = (payment: PaymentPayload) => Buffer.from(JSON.stringify(payment)).toString('base64');
    const start = async (id: number, name: string, payment: PaymentPayload) => {
      const headers = { ...session.headers, 'payment-signature': headerOf(payment) };
      const params = { ...gated(name), _meta: { progressToken: id } };
      const answer = await session.post({ id, method: 'tools/call', params }, { headers });
      const reader = (answer.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream()).getReader();
      expect(messagesIn((await reader.read()).value ?? '')).toMatchObject([{ method: 'notifications/progress' }]);
      await server.gate.arrived(++waited);
      return reader;
    };
    const readers = [await start(2, 'tea', await pay('tea')), await start(3, 'coffee', await pay('coffee'))];
    server.gate.open();
    const texts = await Promise.all(readers.map(rest));
    const results = texts.flatMap((text) => messagesIn(text)).map(({ result }) => result);
    expect(results.filter((result) => result?.isError !== true)).toMatchObject([
      { _meta: { 'x402/payment-response': { success: true } } },
    ]);
    expect(results.filter((result) => result?.isError === true)).toMatchObject([
      { structuredContent: { accepts: [{ amount: String(PRICE) }] } },
    ]);
    expect(before - (await balance())).toBe(PRICE);
  });

  it('cannot be cancelled from another session', async () => {
    const { reader } = await begin(2, 'juice', await pay('juice'));
    const stranger = await new RawSession(session.url).open();
    await (await stranger.post({ method: 'notifications/cancelled', params: { requestId: 2 } })).text();
    server.gate.open();
    expect(messagesIn(await rest(reader))).toMatchObject([{ id: 2, result: { content: [{ text: 'passed juice' }] } }]);
    expect(server.cancelled).not.toContain('juice');
  });

  it('starts at once for the holder of a pass, which the head of the first answer carries', async () => {
    session = await new RawSession(`${gateway.url}/hour`).open();
    const before = await balance();
    const payment = await pay('tea');
    const asked = session.post({
      id: 2,
      method: 'tools/call',
      params: { ...gated('tea'), _meta: { 'x402/payment': payment } },
    });
    await server.gate.arrived(++waited);
    server.gate.open();
    const bought = await asked;
    expect(messagesIn(await bought.text())).toMatchObject([{ id: 2, result: { content: [{ text: 'passed tea' }] } }]);
    session.headers['x402-access-token'] = bought.headers.get('x402-access-token') ?? '';
    for (const id of [3, 4]) {
      const params = { ...gated('milk'), _meta: { progressToken: id } };
      const answer = await session.post({ id, method: 'tools/call', params });
      const reader = (answer.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream()).getReader();
      expect(messagesIn((await reader.read()).value ?? '')).toMatchObject([{ method: 'notifications/progress' }]);
      await server.gate.arrived(++waited);
      server.gate.open();
      expect(messagesIn(await rest(reader))).toMatchObject([{ id, result: { content: [{ text: 'passed milk' }] } }]);
    }
    expect(before - (await balance())).toBe(PRICE);
  });
});
