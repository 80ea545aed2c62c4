import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type EverythingServer, startEverything } from '../support/mcp/everything.ts';
import { priceIn, ToolBuyer, withPayment } from '../support/mcp/x402-client.ts';
import { settings } from '../support/settings.ts';

const RECEIPT = 'x402/payment-response';

let devnet: Devnet;
let server: EverythingServer;
let gateway: TestGateway;
let payer: Payer;
let buyer: ToolBuyer;
let transport: StreamableHTTPClientTransport;

beforeAll(async () => {
  [devnet, server] = await Promise.all([startDevnet(), startEverything()]);
  payer = await freshPayer(devnet);
  gateway = await startTestGateway(`${settings(devnet, server.url)}routes:
  - path: /mcp
    mcp:
      tools: { echo: free, get-sum: $0.001, get-structured-content: $0.002, "get-*": $0.003, trigger-*: $0.004, simulate-*: $0.005 }
      resources: { "demo://resource/dynamic/*": $0.001, "*": free }
      prompts: { simple-prompt: free, "*": $0.001 }
      otherwise: free
`);
  transport = new StreamableHTTPClientTransport(new URL(`${gateway.url}/mcp`));
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(transport as Parameters<Client['connect']>[0]);
  buyer = new ToolBuyer(client, payer.key);
});

afterAll(async () => {
  await buyer.client.close();
  await gateway.close();
  await Promise.all([server.close(), devnet.close()]);
});

const spent = async (act: () => Promise<unknown>): Promise<bigint> => {
  const before = await devnet.usdcBalanceOf(payer.address);
  await act();
  return before - (await devnet.usdcBalanceOf(payer.address));
};

/** Sends a message of the session as it is. */
async function post(message: object): Promise<string> {
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-session-id': transport.sessionId ?? '',
  };
  const body = JSON.stringify({ jsonrpc: '2.0', ...message });
  return await (await fetch(`${gateway.url}/mcp`, { method: 'POST', headers, body })).text();
}

describe("the reference server of MCP, with the official client and x402's", () => {
  it('serves everything free without a payment: lists, pings, completions, tools, prompts and resources', async () => {
    const { client } = buyer;
    expect(
      await spent(async () => {
        expect((await client.listTools()).tools.length).toBeGreaterThan(5);
        expect((await client.listPrompts()).prompts.length).toBeGreaterThan(2);
        expect((await client.listResources()).resources.length).toBeGreaterThan(2);
        await client.ping();
        await client.setLoggingLevel('error');
        expect((await buyer.call({ name: 'echo', arguments: { message: 'tea' } })).content[0]?.text).toBe('Echo: tea');
        expect((await client.getPrompt({ name: 'simple-prompt' })).messages).toHaveLength(1);
      }),
    ).toBe(0n);
  });

  it('sells a tool once, with the receipt of the transfer', async () => {
    const sum = { name: 'get-sum', arguments: { a: 2, b: 3 } };
    expect(
      await spent(async () => {
        const paid = await buyer.buy(sum);
        expect(paid.content[0]?.text).toContain('5');
        expect(paid._meta?.[RECEIPT]).toMatchObject({
          success: true,
          payer: payer.address.toLowerCase(),
          network: 'eip155:84532',
          amount: '1000',
          transaction: expect.stringMatching(/^0x[0-9a-f]{64}$/),
        });
      }),
    ).toBe(1000n);
  });

  it('sells a tool with an output schema, whose price the client can read and whose result it accepts', async () => {
    await buyer.client.listTools();
    const weather = { name: 'get-structured-content', arguments: { location: 'Chicago' } };
    const unpaid = await buyer.call(weather);
    expect(priceIn(unpaid)?.accepts[0]?.amount).toBe('2000');
    expect(
      await spent(async () => {
        const paid = await buyer.buy(weather);
        expect(paid.structuredContent).toHaveProperty('temperature');
        expect(paid._meta?.[RECEIPT]).toMatchObject({ success: true });
      }),
    ).toBe(2000n);
  });

  it('sells pictures and annotated content unchanged', async () => {
    const picture = await buyer.buy({ name: 'get-tiny-image' });
    expect(picture.content.some(({ type }) => type === 'image')).toBe(true);
  });

  it('sells prompts and resources', async () => {
    const { client } = buyer;
    const uri = 'demo://resource/dynamic/text/1';
    const refused = await client.readResource({ uri }).catch((fault: { data: unknown }) => fault.data);
    const required = refused as Parameters<ToolBuyer['pay']>[0];
    const payment = await buyer.pay(required);
    const paid = await client.readResource({ uri, _meta: { 'x402/payment': payment } });
    expect(paid.contents).toHaveLength(1);
    expect(paid._meta?.[RECEIPT]).toMatchObject({ success: true, amount: '1000' });
  });

  it('takes no money for a call with wrong arguments, and the payment stays valid', async () => {
    const wrong = { name: 'get-sum', arguments: { a: 'x', b: 3 } };
    const payment = await buyer.payFor(wrong);
    expect(
      await spent(async () => {
        const failed = await buyer.call(withPayment(wrong, payment));
        expect(failed.isError).toBe(true);
        expect(failed._meta?.[RECEIPT]).toBeUndefined();
      }),
    ).toBe(0n);
  });

  it('gives no result through a task that the server made of a call', async () => {
    // The server runs the call as a task, which it lists, and gives its result to every client that asks.
    const research = { name: 'simulate-research-query', arguments: { topic: 'tea' } };
    for (const [method, params] of [
      ['tasks/list', {}],
      ['tasks/get', { taskId: 'x' }],
      ['tasks/result', { taskId: 'x' }],
      ['tasks/cancel', { taskId: 'x' }],
    ] as const) {
      expect(JSON.parse(await post({ id: 1, method, params }))).toMatchObject({ id: 1, error: { code: -32601 } });
    }
    const asTask = await post({ id: 2, method: 'tools/call', params: { ...research, task: { ttl: 60_000 } } });
    expect(JSON.parse(asTask)).toMatchObject({ id: 2, error: { code: -32602 } });
  });
});
