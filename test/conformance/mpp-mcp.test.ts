import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpClient } from 'mppx/mcp/client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { clientOf, type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type McpTestServer, startMcpServer } from '../support/mcp/server.ts';
import { RawSession, type RpcMessage } from '../support/mcp/session.ts';
import { ToolBuyer } from '../support/mcp/x402-client.ts';
import { partsOf, signChallenge, stockMethod } from '../support/mpp.ts';
import { settings } from '../support/settings.ts';

const CREDENTIAL = 'org.paymentauth/credential';
const RECEIPT = 'org.paymentauth/receipt';
const SEARCH = { name: 'search', arguments: { query: 'tea' } };

let devnet: Devnet;
let server: McpTestServer;
let gateway: TestGateway;
let payer: Payer;
const open: Client[] = [];

beforeAll(async () => {
  [devnet, server] = await Promise.all([startDevnet(), startMcpServer()]);
  payer = await freshPayer(devnet);
  gateway = await startTestGateway(`${settings(devnet, server.url)}protocols: [x402, mpp]
discovery: { mcp: true }
routes:
  - { path: /sold, mcp: { tools: { search: $0.001, other: $0.001, broken: $0.001, long: $0.001 }, otherwise: free } }
  - { path: /api/*, price: $0.003, methods: [POST] }
`);
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((client) => client.close()));
});

afterAll(async () => {
  await gateway.close();
  await Promise.all([server.close(), devnet.close()]);
});

async function connect(path: string): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(
    new StreamableHTTPClientTransport(new URL(gateway.url + path)) as Parameters<Client['connect']>[0],
  );
  open.push(client);
  return client;
}

/** The stock client of MPP around the official client of MCP. */
async function stockClient(path = '/sold'): Promise<Pick<Client, 'callTool'>> {
  return McpClient.wrap(await connect(path), { methods: [stockMethod(payer.key)] });
}

async function spent(act: () => Promise<unknown>): Promise<bigint> {
  const before = await devnet.usdcBalanceOf(payer.address);
  await act();
  return before - (await devnet.usdcBalanceOf(payer.address));
}

interface Priced {
  readonly challenges: readonly Parameters<typeof signChallenge>[1][];
  readonly x402: { readonly accepts: readonly object[] };
}

describe('mppx around the official client of MCP', () => {
  it('pays a tool once, and gets a receipt that names the challenge', async () => {
    const client = await stockClient();
    const calls = server.calls.length;
    let result: unknown;
    expect(await spent(async () => (result = await client.callTool(SEARCH)))).toBe(1000n);
    expect(result).toMatchObject({
      content: [{ text: 'found tea' }],
      receipt: { method: 'evm', status: 'success', challengeId: expect.any(String) },
    });
    const { receipt } = result as { receipt: { reference: `0x${string}` } };
    expect((await clientOf(devnet).getTransactionReceipt({ hash: receipt.reference })).status).toBe('success');
    expect(server.calls.slice(calls)).toEqual(['search']);
    expect(server.bodies.join()).not.toContain('paymentauth');
  });

  it('pays each call with its own challenge, and nothing for free calls', async () => {
    const client = await stockClient();
    expect(await spent(() => client.callTool(SEARCH))).toBe(1000n);
    expect(await spent(() => client.callTool(SEARCH))).toBe(1000n);
    expect(await spent(() => client.callTool({ name: 'free_time', arguments: {} }))).toBe(0n);
  });

  it('pays nothing for a tool that failed', async () => {
    const client = await stockClient();
    expect(
      await spent(async () => {
        expect(await client.callTool({ name: 'broken', arguments: {} })).toMatchObject({ isError: true });
      }),
    ).toBe(0n);
  });

  it('buys routes as tools, too', async () => {
    const client = await stockClient('/mcp');
    let result: unknown;
    const call = { name: 'POST_api_rest', arguments: { rest: 'x', body: {} } };
    // The upstream answers 400 to a body that is no message: that costs nothing.
    expect(await spent(async () => (result = await client.callTool(call)))).toBe(0n);
    expect(result).toMatchObject({ isError: true });
    expect((result as { receipt?: object }).receipt).toBeUndefined();
  });
});

describe('a call whose route takes MPP and x402', () => {
  const session = async (): Promise<RawSession> => await new RawSession(`${gateway.url}/sold`).open();
  const call = (id: number, credential?: unknown, params: object = SEARCH) => ({
    id,
    method: 'tools/call',
    params: credential === undefined ? params : { ...params, _meta: { [CREDENTIAL]: credential } },
  });
  const pricedBy = ({ error }: RpcMessage): Priced => error?.data as unknown as Priced;

  /** Asks for a price and signs its challenge. Returns the credential as messages carry it. */
  async function buy(raw: RawSession): Promise<Record<string, Record<string, unknown>>> {
    const [challenge] = pricedBy(await raw.ask(call(1))).challenges;
    if (challenge === undefined) throw new Error('no challenge');
    const parts = partsOf(await signChallenge(payer.key, challenge));
    return { ...parts, challenge: { ...parts.challenge, request: challenge.request } } as never;
  }

  it('has both prices in one error, which clients of either protocol read', async () => {
    const raw = await session();
    const { error } = await raw.ask(call(1));
    expect(error).toMatchObject({
      code: -32042,
      data: {
        httpStatus: 402,
        challenges: [{ method: 'evm', intent: 'charge', realm: '127.0.0.1', request: { amount: '1000' } }],
        x402: { x402Version: 2, accepts: [{ amount: '1000' }] },
      },
    });
    const buyer = new ToolBuyer(await connect('/sold'), payer.key);
    const payment = await buyer.pay(error?.data?.['x402'] as never);
    expect(await spent(() => raw.callTool(2, SEARCH, payment))).toBe(1000n);
  });

  it('is paid once by one credential, whatever follows it, and in whatever form it comes again', async () => {
    const raw = await session();
    const credential = await buy(raw);
    const calls = server.calls.length;
    expect(
      await spent(async () => {
        const copies = Array.from({ length: 20 }, async (_, index) => await raw.ask(call(100 + index, credential)));
        const answers = await Promise.all(copies);
        expect(answers.filter(({ result }) => result?._meta?.[RECEIPT] !== undefined).length).toBe(1);
        const header = `Payment ${Buffer.from(JSON.stringify(partsWithText(credential))).toString('base64url')}`;
        expect((await raw.ask(call(2, header))).error?.data).toMatchObject({ code: 'payment_already_used' });
        const other = await raw.ask(call(3, credential, { name: 'long', arguments: {} }));
        expect(other.error?.data?.['code']).toMatch(/^payment_/);
      }),
    ).toBe(1000n);
    expect(server.calls.slice(calls)).toEqual(['search']);
  });

  it('is refused when its challenge was changed, with a new challenge and the code for it', async () => {
    const raw = await session();
    const credential = await buy(raw);
    const calls = server.calls.length;
    const forgeries = [
      { ...credential, challenge: { ...credential['challenge'], id: `${credential['challenge']?.['id']}x` } },
      { ...credential, challenge: { ...credential['challenge'], expires: '2099-01-01T00:00:00Z' } },
      { ...credential, challenge: { ...credential['challenge'], realm: 'elsewhere.example' } },
    ];
    expect(
      await spent(async () => {
        for (const forged of forgeries) {
          const { error } = await raw.ask(call(2, forged));
          expect(error).toMatchObject({ code: -32043, data: { challenges: [{ method: 'evm' }] } });
        }
        const malformed = await raw.ask(call(3, { challenge: 1 }));
        expect(malformed.error?.code).toBe(-32602);
      }),
    ).toBe(0n);
    expect(server.calls.length).toBe(calls);
  });

  it('is refused with credentials of both protocols at once', async () => {
    const raw = await session();
    const credential = await buy(raw);
    const _meta = { [CREDENTIAL]: credential, 'x402/payment': { x402Version: 2 } };
    const { error } = await raw.ask({ id: 4, method: 'tools/call', params: { ...SEARCH, _meta } });
    expect(error?.data).toMatchObject({ code: 'payment_header_repeated' });
  });
});

/** A credential of a message in the form of HTTP. */
function partsWithText({ challenge, ...others }: Record<string, Record<string, unknown>>): object {
  const request = Buffer.from(canonical(challenge?.['request'])).toString('base64url');
  return { ...others, challenge: { ...challenge, request } };
}

function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return JSON.stringify(value);
  const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${members.map(([name, each]) => `${JSON.stringify(name)}:${canonical(each)}`).join(',')}}`;
}
