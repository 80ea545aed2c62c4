import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PaymentPayload, PaymentRequired } from '@x402/core/types';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { clientOf, type Devnet, freshPayer, type Payer, signPayment, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process.ts';
import { type McpTestServer, startMcpServer } from '../support/mcp/server.ts';
import { priceOf, RawSession, type RpcMessage } from '../support/mcp/session.ts';
import { settings } from '../support/settings.ts';

const GATED = { name: 'gated', arguments: { name: 'tea' } };
const FREE = { id: 9, method: 'tools/call', params: { name: 'free_time', arguments: {} } };

let devnet: Devnet;
let buyer: Payer;
let server: McpTestServer;
let folder: string;
let running: GatewayProcess | undefined;
let restarted: TestGateway | undefined;

beforeAll(async () => {
  devnet = await startDevnet();
  server = await startMcpServer();
  folder = mkdtempSync(join(tmpdir(), 'mcp-crash-'));
});

afterEach(async () => {
  await clientOf(devnet).setAutomine(true);
  await kill();
  await restarted?.close();
});

afterAll(async () => {
  await server.close();
  await devnet.close();
  rmSync(folder, { recursive: true });
});

function configOf(name: string, keys: string): string {
  const text = settings(devnet, server.url).replace('store: memory', `store: sqlite:${join(folder, `${name}.db`)}`);
  return `trustedProxies: [127.0.0.1]
publicUrl: https://tools.example.com
${text}routes:
  - path: /mcp
    mcp: { tools: { gated: $0.001, free_time: free } }
${keys}`;
}

/** A session through a gateway that is a process of its own. */
async function start(name: string, keys: string): Promise<RawSession> {
  running = startGatewayProcess(folder, `listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\n${configOf(name, keys)}`);
  const session = new RawSession(`${(await running.ready).url}/mcp`);
  // The same host, whatever the port.
  session.headers['x-forwarded-host'] = 'tools.example.com';
  return await session.open();
}

/** Leads the session through another gateway on the same ledger, at a time when the first counts as gone. */
async function restart(session: RawSession, name: string, keys: string): Promise<void> {
  restarted = await startTestGateway(configOf(name, keys), { clock: () => Date.now() + 20_000 });
  session.url = `${restarted.url}/mcp`;
}

async function kill(): Promise<void> {
  running?.kill('SIGKILL');
  await running?.ended;
}

async function buy(session: RawSession): Promise<PaymentPayload> {
  buyer = await freshPayer(devnet);
  const required = priceOf(await session.callTool(1, GATED)) as unknown as PaymentRequired;
  const [accepted] = required.accepts;
  if (accepted === undefined) throw new Error('no offer');
  return { ...(await signPayment(devnet, buyer, accepted)), resource: required.resource };
}

/** Sends the same call with the same payment until it is known what became of it. */
async function collect(session: RawSession, payment: PaymentPayload): Promise<RpcMessage> {
  for (let id = 100; ; id++) {
    const answer = await session.callTool(id, GATED, payment);
    const code = answer.error?.data?.['code'];
    if (code !== 'payment_in_progress' && code !== 'settlement_unknown') return answer;
  }
}

const balance = (): Promise<bigint> => devnet.usdcBalanceOf(buyer.address);

it('releases the payment of a call that was at the server when the gateway was killed: it pays the same call once', async () => {
  const session = await start('working', '');
  const payment = await buy(session);
  const before = await balance();
  const lost = session.callTool(2, GATED, payment);
  await Promise.all([expect(lost).rejects.toThrow(), server.gate.arrived(1).then(kill)]);
  server.gate.open();
  expect(before - (await balance())).toBe(0n);
  await restart(session, 'working', '');
  const again = collect(session, payment);
  await server.gate.arrived(2);
  server.gate.open();
  expect(await again).toMatchObject({ result: { content: [{ text: 'passed tea' }] } });
  expect(before - (await balance())).toBe(1000n);
}, 90_000);

describe('a call whose money moved while the gateway was killed', () => {
  it.each([
    ['is made again where the server copes with that', 'again', '    idempotent: true\n', 2],
    ['gets the answer that was kept', 'kept', '    keepAnswers: { size: 64KB }\n', 1],
    ['is not made again, and says that its answer is not known, where nothing else is allowed', 'unknown', '', 1],
  ])(
    '%s',
    async (_, name, keys, calls) => {
      const session = await start(name, keys);
      const payment = await buy(session);
      const before = await balance();
      const callsBefore = server.calls.filter((name) => name.startsWith('gated')).length;
      const chain = clientOf(devnet);
      await chain.setAutomine(false);
      const lost = session.callTool(2, GATED, payment);
      const killed = (async () => {
        await open(callsBefore + 1);
        while ((await chain.getTxpoolStatus()).pending === 0);
        await kill();
      })();
      await Promise.all([expect(lost).rejects.toThrow(), killed]);
      await chain.mine({ blocks: 1 });
      await chain.setAutomine(true);
      expect(before - (await balance())).toBe(1000n);
      await restart(session, name, keys);
      const collected = collect(session, payment);
      if (calls === 2) await open(callsBefore + 2);
      const answer = await collected;
      if (name === 'unknown') {
        expect(answer).toMatchObject({ error: { data: { code: 'delivery_unknown' } } });
      } else {
        expect(answer.result).toMatchObject({
          content: [{ text: 'passed tea' }],
          _meta: { 'x402/payment-response': { success: true, transaction: expect.stringMatching(/^0x/) } },
        });
      }
      expect(server.calls.filter((name) => name.startsWith('gated')).length).toBe(callsBefore + calls);
      expect(before - (await balance())).toBe(1000n);
      // The gateway serves on.
      expect(await session.ask(FREE)).toMatchObject({ result: { content: [{ text: 'noon' }] } });
    },
    90_000,
  );
});

/** Lets the calls go that wait, once there are so many of `gated`. */
async function open(calls: number): Promise<void> {
  await server.gate.arrived(calls);
  server.gate.open();
}
