import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { PaymentState } from '../../src/domain/payment-state.ts';
import { openSqliteLedger } from '../../src/store/sqlite/sqlite-ledger.ts';
import { settlementOf, signFor } from '../support/buyer.ts';
import { type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { type WatchedStore, watchStore } from '../support/faults/watched-store.ts';
import { openWire, type Wire } from '../support/faults/wire.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type OfficialFacilitator, startOfficialFacilitator } from '../support/official-facilitator.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

const PRICE = 1000n;
const MODES = ['after', 'before'] as const;
/** Longest wait for the reconciler, in milliseconds. */
const PATIENCE_MS = 40_000;

let devnet: Devnet;
let official: OfficialFacilitator;
let upstream: TestUpstream;
let folder: string;
let buyer: Payer;
let paidBefore: bigint;
let gateway: TestGateway;
let watched: WatchedStore;
const wires: Wire[] = [];

beforeAll(async () => {
  [devnet, upstream] = await Promise.all([startDevnet(), startUpstream()]);
  official = await startOfficialFacilitator({ rpcUrl: devnet.rpcUrl, key: devnet.accounts.settler.key });
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'turnpike-partition-'));
  buyer = await freshPayer(devnet);
  paidBefore = await devnet.usdcBalanceOf(devnet.accounts.payee.address);
});

afterEach(async () => {
  await gateway.close();
  await Promise.all(wires.splice(0).map((wire) => wire.close()));
  await rm(folder, { recursive: true, force: true });
});

afterAll(async () => {
  await Promise.all([official.close(), upstream.close()]);
  await devnet.close();
});

describe.each(MODES)('a facilitator cut off after it has settled, settle: %s', (mode) => {
  it('costs the buyer once, and the same header is served once the chain was asked', { timeout: 90_000 }, async () => {
    const wire = await wireTo(official.url);
    await openGateway(wire.url, devnet.rpcUrl);
    const header = await signFor(devnet, buyer, `${gateway.url}/${mode}`);
    await payIntoThePartition(wire, mode, header);
    await untilState(mode, 'undelivered');
    await expectServedOnce(mode, header);
  });

  it('costs the buyer once, also when the chain is cut off as well for a while', { timeout: 90_000 }, async () => {
    const [wire, node] = [await wireTo(official.url), await wireTo(devnet.rpcUrl)];
    await openGateway(wire.url, node.url);
    const header = await signFor(devnet, buyer, `${gateway.url}/${mode}`);
    node.cut();
    await payIntoThePartition(wire, mode, header);
    // Looked for in vain: the doubt stays, and so does what the buyer is told.
    await untilState(mode, 'unknown', 2);
    await expectStillInDoubt(mode, header);
    node.mend();
    await untilState(mode, 'undelivered');
    await expectServedOnce(mode, header);
  });

  it('costs the buyer once, without a node, if the facilitator remembers', { timeout: 90_000 }, async () => {
    const remembering = await rememberAnswers(official.url);
    const wire = await wireTo(remembering.url);
    await openGateway(wire.url);
    const header = await signFor(devnet, buyer, `${gateway.url}/${mode}`);
    await payIntoThePartition(wire, mode, header);
    await untilState(mode, 'unknown', 2);
    await expectStillInDoubt(mode, header);
    wire.mend();
    await untilState(mode, 'undelivered');
    await expectServedOnce(mode, header);
    await remembering.close();
  });
});

async function wireTo(url: string): Promise<Wire> {
  const wire = await openWire(url);
  wires.push(wire);
  return wire;
}

async function openGateway(facilitator: string, rpc?: string): Promise<void> {
  watched = watchStore(await openSqliteLedger(join(folder, 'ledger.db')));
  gateway = await startTestGateway(
    [
      `upstream: ${upstream.url}`,
      `payTo: "${devnet.accounts.payee.address}"`,
      'accepts: [base-sepolia]',
      'store: memory # replaced',
      'facilitator:',
      `  url: ${facilitator}`,
      '  settleTimeout: 1500ms',
      ...(rpc === undefined ? [] : [`  rpc: { base-sepolia: "${rpc}" }`]),
      'routes:',
      ...MODES.map((mode) => `  - { name: ${mode}, path: /${mode}, price: $0.001, settle: ${mode} }`),
      '',
    ].join('\n'),
    { store: watched.store },
  );
}

async function send(mode: string, header: string): Promise<Response> {
  return await fetch(`${gateway.url}/${mode}`, { headers: { 'PAYMENT-SIGNATURE': header } });
}

/** Sends a payment whose settlement gets through, and whose answer does not. */
async function payIntoThePartition(wire: Wire, mode: string, header: string): Promise<void> {
  const lost = wire.loseAnswersAfter('POST /settle');
  const response = await send(mode, header);
  await expectUnknown(response);
  await lost;
  expect(await paid()).toBe(PRICE);
}

async function expectUnknown(response: Response): Promise<void> {
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).not.toBeNull();
  expect(response.headers.get('payment-required')).toBeNull();
  expect(await response.json()).toMatchObject({ code: 'settlement_unknown' });
}

async function expectStillInDoubt(mode: string, header: string): Promise<void> {
  await expectUnknown(await send(mode, header));
  expect((await watched.rowOf(mode))?.settlement).toBeUndefined();
}

/** The same payment gets the answer with a receipt of the one transfer, and nothing after that. */
async function expectServedOnce(mode: string, header: string): Promise<void> {
  const served = await send(mode, header);
  expect(served.status).toBe(200);
  expect(await served.json()).toEqual({ path: `/${mode}` });
  const receipt = settlementOf(served);
  expect(receipt).toMatchObject({ success: true, transaction: (await watched.rowOf(mode))?.settlement?.transaction });
  await untilState(mode, 'delivered');
  const again = await send(mode, header);
  expect(again.status).toBe(409);
  expect(again.headers.get('payment-required')).toBeNull();
  expect(await again.json()).toMatchObject({ code: 'payment_already_used' });
  expect(settlementOf(again)).toEqual(receipt);
  expect(await paid()).toBe(PRICE);
}

/** Waits until the payment stands at a state for the `times`-th time in a row. */
async function untilState(mode: string, state: PaymentState, times = 1): Promise<void> {
  const enough = (states: readonly PaymentState[]): boolean =>
    states.length >= times && states.slice(-times).every((each) => each === state);
  await watched.until(mode, enough, AbortSignal.timeout(PATIENCE_MS));
}

async function paid(): Promise<bigint> {
  return (await devnet.usdcBalanceOf(devnet.accounts.payee.address)) - paidBefore;
}

/** A facilitator that knows its settlements again, as the specification allows, in front of one that does not. */
async function rememberAnswers(behind: string): Promise<{ readonly url: string; close(): Promise<void> }> {
  const answers = new Map<string, Promise<string>>();
  const server = createServer(async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString('utf8');
    const ask = async (): Promise<string> =>
      await (await fetch(behind + req.url, body === '' ? {} : { method: 'POST', body })).text();
    const key = `${req.url} ${body}`;
    const answer = answers.get(key) ?? ask();
    if (req.url === '/settle') answers.set(key, answer);
    res.setHeader('content-type', 'application/json').end(await answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
