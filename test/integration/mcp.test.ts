import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { PaymentRequired } from '@x402/core/types';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Devnet, freshPayer, type Payer, signPayment, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type McpTestServer, startMcpServer } from '../support/mcp/server.ts';
import { settings } from '../support/settings.ts';

const PAYMENT = 'x402/payment';
const RECEIPT = 'x402/payment-response';
const SEARCH = { name: 'search', arguments: { query: 'tea' } };

let devnet: Devnet;
let buyer: Payer;

/** What a tool call came to. */
interface CallResult {
  readonly isError?: boolean;
  readonly content: readonly { readonly text?: string }[];
  readonly structuredContent?: Record<string, unknown>;
  readonly _meta?: Record<string, unknown>;
}

beforeAll(async () => {
  devnet = await startDevnet();
  buyer = await freshPayer(devnet);
});

afterAll(() => devnet.close());

const spent = async (act: () => Promise<unknown>): Promise<bigint> => {
  const before = await devnet.usdcBalanceOf(buyer.address);
  await act();
  return before - (await devnet.usdcBalanceOf(buyer.address));
};

async function paymentFor(required: PaymentRequired): Promise<object> {
  const [accepted] = required.accepts;
  if (accepted === undefined) throw new Error('a challenge without offers');
  return { ...(await signPayment(devnet, buyer, accepted)), resource: required.resource };
}

function requiredOf({ content }: CallResult): PaymentRequired {
  return JSON.parse(content[0]?.text ?? '') as PaymentRequired;
}

describe.each([
  ['event streams', false],
  ['JSON', true],
])('an MCP server of the official SDK that answers with %s', (_, json) => {
  let server: McpTestServer;
  let gateway: TestGateway;
  const clients: Client[] = [];

  beforeAll(async () => {
    server = await startMcpServer({ json });
    gateway = await startTestGateway(`${settings(devnet, server.url)}routes:
  - path: /mcp
    mcp:
      tools: { search: $0.001, weather: $0.002, broken: $0.001, long: $0.001, free_time: free }
      resources: { "page://dear*": $0.003, "*": free }
      prompts: { review: $0.001 }
      describe: true
`);
  });

  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
  });

  afterAll(async () => {
    await gateway.close();
    await server.close();
  });

  async function connect(pay?: typeof fetch): Promise<Client> {
    const client = new Client({ name: 'test', version: '1' });
    const transport = new StreamableHTTPClientTransport(new URL(`${gateway.url}/mcp`), pay && { fetch: pay });
    await client.connect(transport as Parameters<Client['connect']>[0]);
    clients.push(client);
    return client;
  }

  const call = async (client: Client, params: object): Promise<CallResult> =>
    (await client.callTool(params as Parameters<Client['callTool']>[0])) as CallResult;

  it('serves free tools without payment, and lists the prices of the others', async () => {
    const client = await connect();
    const { tools } = await client.listTools();
    const search = tools.find(({ name }) => name === 'search');
    expect(search?.description).toBe('Searches. (costs $0.001 a call)');
    expect(search?._meta?.['x402/price']).toMatchObject({ price: '$0.001', accepts: [{ amount: '1000' }] });
    expect(tools.find(({ name }) => name === 'free_time')?._meta).toBeUndefined();
    const result = await call(client, { name: 'free_time', arguments: {} });
    expect(result.content[0]?.text).toBe('noon');
  });

  it('states the price of a tool in a failed result, and does not call it', async () => {
    const client = await connect();
    const calls = server.calls.length;
    const unpaid = await call(client, SEARCH);
    expect(unpaid.isError).toBe(true);
    expect(unpaid.structuredContent).toMatchObject({ x402Version: 2, accepts: [{ amount: '1000' }] });
    expect(requiredOf(unpaid)).toEqual(unpaid.structuredContent);
    expect(server.calls.slice(calls)).toEqual([]);
  });

  it('states the price only as text when the client checks results against the output schema of the tool', async () => {
    const client = await connect();
    await client.listTools();
    const unpaid = await call(client, { name: 'weather', arguments: { city: 'Oslo' } });
    expect(unpaid.structuredContent).toBeUndefined();
    expect(requiredOf(unpaid).accepts[0]?.amount).toBe('2000');
  });

  it('is paid once by a payment in the message, which it does not see; the receipt is in the result', async () => {
    const client = await connect();
    const payment = await paymentFor(requiredOf(await call(client, SEARCH)));
    const calls = server.calls.length;
    let paid: CallResult | undefined;
    expect(await spent(async () => (paid = await call(client, { ...SEARCH, _meta: { [PAYMENT]: payment } })))).toBe(
      1000n,
    );
    expect(paid?.isError).toBeFalsy();
    expect(paid?.content[0]?.text).toBe('found tea');
    expect(paid?._meta?.[RECEIPT]).toMatchObject({ success: true, transaction: expect.stringMatching(/^0x/) });
    expect(server.bodies.join()).not.toContain(PAYMENT);
    // The same payment once more, as another call: nothing is called, nothing is charged, nothing is offered.
    expect(
      await spent(async () => {
        const again = call(client, { ...SEARCH, _meta: { [PAYMENT]: payment } });
        await expect(again).rejects.toMatchObject({ data: { code: 'payment_already_used' } });
        const other = call(client, { name: 'search', arguments: { query: 'coffee' }, _meta: { [PAYMENT]: payment } });
        await expect(other).rejects.toMatchObject({ data: { code: expect.stringMatching(/^payment_/) } });
      }),
    ).toBe(0n);
    expect(server.calls.slice(calls)).toEqual(['search']);
  });

  it('takes a payment as the text of the header', async () => {
    const client = await connect();
    const payment = await paymentFor(requiredOf(await call(client, SEARCH)));
    const text = Buffer.from(JSON.stringify(payment)).toString('base64');
    const paid = await call(client, { ...SEARCH, _meta: { [PAYMENT]: text } });
    expect(paid._meta?.[RECEIPT]).toMatchObject({ success: true });
  });

  it('is charged once for fifty copies of one payment', async () => {
    const client = await connect();
    const payment = await paymentFor(requiredOf(await call(client, SEARCH)));
    const calls = server.calls.length;
    const copies = () =>
      Promise.allSettled(Array.from({ length: 50 }, () => call(client, { ...SEARCH, _meta: { [PAYMENT]: payment } })));
    expect(await spent(copies)).toBe(1000n);
    expect(server.calls.slice(calls)).toEqual(['search']);
  });

  it('costs nothing when the tool says that it failed, and the payment stays good', async () => {
    const client = await connect();
    const broken = { name: 'broken', arguments: {} };
    const payment = await paymentFor(requiredOf(await call(client, broken)));
    expect(
      await spent(async () => {
        const failed = await call(client, { ...broken, _meta: { [PAYMENT]: payment } });
        expect(failed).toMatchObject({ isError: true, content: [{ text: 'sorry' }] });
        expect(failed._meta?.[RECEIPT]).toBeUndefined();
      }),
    ).toBe(0n);
  });

  it('keeps its progress through a paid call', async () => {
    const client = await connect();
    const long = { name: 'long', arguments: {} };
    const payment = await paymentFor(requiredOf(await call(client, long)));
    const seen: number[] = [];
    const params = { ...long, _meta: { [PAYMENT]: payment } };
    const paid = await client.callTool(params, undefined, { onprogress: ({ progress }) => void seen.push(progress) });
    expect((paid as unknown as CallResult).content[0]?.text).toBe('done');
    // One answer in JSON has no place for what comes before it.
    expect(seen).toEqual(json ? [] : [1, 2]);
  });

  it('sells to clients that pay by HTTP', async () => {
    let statedAs402 = 0;
    const client = await connect(async (input, init) => {
      const body = typeof init?.body === 'string' ? init.body : '';
      if (!body.includes('tools/call')) return await fetch(input, init);
      const asked = (await (await fetch(input, init)).json()) as { result: CallResult };
      const headers = new Headers(init?.headers);
      // A header that pays nothing gets the price as HTTP has it.
      headers.set('PAYMENT-SIGNATURE', 'e30=');
      statedAs402 = (await fetch(input, { ...init, headers })).status;
      const payment = await paymentFor(requiredOf(asked.result));
      headers.set('PAYMENT-SIGNATURE', Buffer.from(JSON.stringify(payment)).toString('base64'));
      return await fetch(input, { ...init, headers });
    });
    expect(
      await spent(async () => {
        const paid = await call(client, SEARCH);
        expect(paid.content[0]?.text).toBe('found tea');
        expect(paid._meta?.[RECEIPT]).toMatchObject({ success: true });
      }),
    ).toBe(1000n);
    expect(statedAs402).toBe(400);
  });

  it('prices resources and prompts, whose price is an error with the requirement', async () => {
    const client = await connect();
    const free = await client.readResource({ uri: 'page://cheap' });
    expect(free.contents[0]).toMatchObject({ text: 'a page' });
    const unpaid = await client.readResource({ uri: 'page://dear' }).catch((fault: unknown) => fault);
    expect(unpaid).toMatchObject({ code: 402, data: { accepts: [{ amount: '3000' }] } });
    const payment = await paymentFor((unpaid as { data: PaymentRequired }).data);
    const paid = await client.readResource({ uri: 'page://dear', _meta: { [PAYMENT]: payment } });
    expect(paid._meta?.[RECEIPT]).toMatchObject({ success: true });
    await expect(client.getPrompt({ name: 'review' })).rejects.toMatchObject({ code: 402 });
  });

  it('refuses what has no price', async () => {
    const client = await connect();
    await expect(call(client, { name: 'unknown', arguments: {} })).rejects.toMatchObject({
      code: -32602,
      data: { code: 'request_not_priced' },
    });
  });

  it.each([
    ['a batch', '[{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search"}}]', 400],
    ['a call without an id', '{"jsonrpc":"2.0","method":"tools/call","params":{"name":"search"}}', 400],
    [
      'a name twice',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"free_time","name":"search"}}',
      400,
    ],
  ])('never sees %s', async (_what, body, status) => {
    const before = server.bodies.length;
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
    const answer = await fetch(`${gateway.url}/mcp`, { method: 'POST', headers, body });
    expect(answer.status).toBe(status);
    expect(server.bodies.length).toBe(before);
  });
});

it('gives no result of a priced call away by a resumed stream', async () => {
  const server = await startMcpServer();
  const gateway = await startTestGateway(`${settings(devnet, server.url)}routes:
  - path: /mcp
    mcp: { tools: { long: $0.001 } }
`);
  const poor = await freshPayer(devnet);
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  };
  const post = (message: object) =>
    fetch(`${gateway.url}/mcp`, { method: 'POST', headers, body: JSON.stringify({ jsonrpc: '2.0', ...message }) });
  try {
    const begun = await post({
      id: 0,
      method: 'initialize',
      params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'thief', version: '1' } },
    });
    headers['mcp-session-id'] = begun.headers.get('mcp-session-id') ?? '';
    await begun.text();
    await (await post({ method: 'notifications/initialized' })).text();
    const long = { name: 'long', arguments: {} };
    const asked = (await (await post({ id: 1, method: 'tools/call', params: long })).json()) as { result: CallResult };
    const [accepted] = requiredOf(asked.result).accepts;
    if (accepted === undefined) throw new Error('no offer');
    const payment = await signPayment(devnet, poor, accepted);
    const taken = await post({
      id: 2,
      method: 'tools/call',
      params: { ...long, _meta: { [PAYMENT]: payment, progressToken: 1 } },
    });
    const paid = await taken.text();
    expect(paid).toContain('"done"');
    // Its first event is the answer to initialize. The server itself gives the result again to whoever asks for what it kept.
    const resume = async (url: string): Promise<string> => {
      const resumed = await fetch(url, { headers: { ...headers, 'last-event-id': '1' } });
      const text = resumed.text();
      await server.endStreams();
      return await text;
    };
    expect(await resume(`${gateway.url}/mcp`)).not.toContain('"done"');
    expect(await resume(server.url)).toContain('"done"');
    expect(server.calls).toEqual(['long']);
  } finally {
    await gateway.close();
    await server.close();
  }
});
