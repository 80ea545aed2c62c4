import { type Hex, toFunctionSelector } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Payment } from '../../src/domain/payment.ts';
import type { SettlementOutcome } from '../../src/domain/settlement.ts';
import type { Facilitator } from '../../src/facilitator/facilitator.ts';
import { openLocalFacilitator } from '../../src/facilitator/local/local-facilitator.ts';
import { openChainWitness } from '../../src/facilitator/remote/chain-witness.ts';
import { openRemoteFacilitator } from '../../src/facilitator/remote/remote-facilitator.ts';
import { families } from '../../src/registry.ts';
import { makePayment, notebook, PRICE, STRANGER } from '../contract/facilitator-payments.ts';
import { clientOf, type Devnet, setBalance, startDevnet } from '../support/devnet.ts';
import {
  type BatchLimit,
  forgettingStates,
  type LimitedNode,
  openLimitedNode,
  type RpcCall,
} from '../support/limited-node.ts';
import { localSpec } from '../support/local-spec.ts';

/*
 * Providers have several nodes behind one address, which do not all have the newest block, and some ask another node for
 * each call of an exchange. Others take few calls at once, or measure gas in a way of their own.
 */

const GWEI = 10n ** 9n;
const AUTHORIZATION_STATE = toFunctionSelector('authorizationState(address,bytes32)');
/** Neither used nor cancelled. */
const UNUSED = `0x${'0'.repeat(64)}`;

let devnet: Devnet;
const nodes: LimitedNode[] = [];
const opened: Facilitator[] = [];

beforeAll(async () => {
  devnet = await startDevnet();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((facilitator) => facilitator.close()));
  await Promise.all(nodes.splice(0).map((node) => node.close()));
});
afterAll(() => devnet.close());

describe('a doubt at nodes of which one has not seen the transfer', () => {
  it.each(['eip3009', 'permit2'] as const)('does not end as failed, and ends as settled: %s', async (method) => {
    let lags = true;
    const node = await nodeAt((call) => (lags && call.method === 'eth_getLogs' ? { result: [] } : undefined));
    const made = await makePayment(devnet, method);
    const settled = await (await open()).settle(made.payment, made.payment.offer.amount, notebook().write);
    expect(settled).toMatchObject({ kind: 'settled' });
    expect(await look(made.payment, node)).toMatchObject({ kind: 'unknown' });
    lags = false;
    expect(await look(made.payment, node)).toEqual(settled);
  });
});

it('a settlement that a stranger sent first is settled, where another node has not seen that block', async () => {
  const lagging = ({ method, params: [call, block] }: RpcCall) =>
    method === 'eth_call' && block === 'latest' && String((call as { data: Hex }).data).startsWith(AUTHORIZATION_STATE)
      ? { result: UNUSED }
      : undefined;
  const node = await nodeAt(lagging);
  const made = await makePayment(devnet);
  const client = clientOf(devnet);
  const facilitator = await open(node.url);
  await client.setAutomine(false);
  await client.setIntervalMining({ interval: 0 });
  try {
    const settling = facilitator.settle(made.payment, made.payment.offer.amount, notebook().write);
    await vi.waitFor(async () => expect((await client.getTxpoolStatus()).pending).toBe(1), 10_000);
    const tip = { maxFeePerGas: 500n * GWEI, maxPriorityFeePerGas: 400n * GWEI, gas: 200_000n };
    const theirs = await client.sendTransaction({
      account: STRANGER,
      to: devnet.usdc,
      data: made.frontRunCall(),
      ...tip,
    });
    await client.mine({ blocks: 1 });
    expect(await settling).toMatchObject({ kind: 'settled', settlement: { transaction: theirs } });
    expect(await made.received()).toBe(PRICE);
  } finally {
    await client.setIntervalMining({ interval: 2 });
    await client.setAutomine(true);
  }
});

describe('a payment is verified and settled by a node', () => {
  const drpc = 'Batch of more than 3 requests are not allowed on free tier, to use this feature register paid account';
  it.each<[string, BatchLimit]>([
    ['that takes three calls at once', { most: 3, status: 500, error: { code: 31, message: drpc } }],
    ['that takes single calls only', { most: 0, status: 200, error: { code: -32600, message: 'Invalid Request' } }],
  ])('%s', async (_, batch) => {
    const node = await nodeAt(() => undefined, batch);
    const facilitator = await open(node.url);
    const made = await makePayment(devnet);
    expect(await facilitator.verify(made.payment, AbortSignal.timeout(10_000))).toMatchObject({ kind: 'valid' });
    expect(await facilitator.settle(made.payment, made.payment.offer.amount, notebook().write)).toMatchObject({
      kind: 'settled',
    });
    expect(await made.received()).toBe(PRICE);
    expect(node.refused).toBeGreaterThan(0);
  });
});

describe('on a chain that counts its data as gas', () => {
  /** As a rollup measures when data is dear: nothing below that is enough. */
  const dearData = ({ method, params: [call] }: RpcCall) => {
    if (method !== 'eth_estimateGas') return undefined;
    const { gas } = call as { gas: Hex };
    return BigInt(gas) < 400_000n
      ? { code: -32000, message: `gas required exceeds allowance (${BigInt(gas)})` }
      : { result: '0x61a80' };
  };

  it('a payment signed by a key is settled', async () => {
    const node = await nodeAt(dearData);
    const made = await makePayment(devnet);
    const settled = await (await open(node.url)).settle(made.payment, made.payment.offer.amount, notebook().write);
    if (settled.kind !== 'settled') throw new Error(settled.reason);
    const { gas } = await clientOf(devnet).getTransaction({ hash: settled.settlement.transaction as Hex });
    expect(gas).toBe(520_000n);
    expect(await made.received()).toBe(PRICE);
  });

  it('an account with code of its own gets no more gas than elsewhere', async () => {
    const node = await nodeAt(dearData);
    const made = await makePayment(devnet);
    await clientOf(devnet).setCode({ address: made.payer.address, bytecode: '0x00' });
    expect(
      await (await open(node.url)).settle(made.payment, made.payment.offer.amount, notebook().write),
    ).toMatchObject({ kind: 'failed' });
    expect(node.calls.map(({ method }) => method)).not.toContain('eth_sendRawTransaction');
  });
});

// Last, because the chain's time goes on: from each of these to the next.
describe('a doubt about an authorization that was used', () => {
  let payment: Payment;
  let passedMs = 0;
  const clock = (): number => Date.now() + passedMs;
  const mine = async (blocks: number, interval: number): Promise<void> => {
    await clientOf(devnet).mine({ blocks, interval });
    passedMs += blocks * interval * 1000;
  };
  const withoutEvents = ({ method }: RpcCall) => (method === 'eth_getLogs' ? { result: [] } : undefined);

  beforeAll(async () => {
    const made = await makePayment(devnet);
    await made.frontRun();
    ({ payment } = made);
  });

  it('stays one until all nodes have to have seen that, however many blocks there are', async () => {
    await mine(100, 1);
    expect(await look(payment, await nodeAt(withoutEvents), clock)).toMatchObject({ kind: 'unknown' });
  });

  it.each([
    [-32000, 'missing trie node'],
    [-32002, 'No state available for block'],
  ])('ends where the node has no older state than a hundred blocks: %i %s', async (code, message) => {
    const forgetting = forgettingStates({ code, message });
    const node = await nodeAt((call) => forgetting(call) ?? withoutEvents(call));
    expect(await look(payment, node, clock)).toMatchObject({ kind: 'failed' });
    expect(node.refused).toBe(1);
  });

  it('ends as failed after two minutes', async () => {
    await mine(30, 1);
    expect(await look(payment, await nodeAt(withoutEvents), clock)).toMatchObject({ kind: 'failed' });
  });

  it('ends as failed where it was used long before', async () => {
    await mine(300, 2);
    expect(await look(payment, await nodeAt(() => undefined), clock)).toMatchObject({ kind: 'failed' });
  });
});

async function nodeAt(...[limit, batch]: [Parameters<typeof openLimitedNode>[1], BatchLimit?]): Promise<LimitedNode> {
  const node = await openLimitedNode(devnet.rpcUrl, limit, batch);
  nodes.push(node);
  return node;
}

/** What recovery sees of a payment whose facilitator is gone. */
async function look(payment: Payment, node: LimitedNode, clock = Date.now): Promise<SettlementOutcome> {
  const spec = { kind: 'remote', name: 'gone', url: 'http://127.0.0.1:9', headers: [], cdp: undefined } as const;
  const rpc = new Map([[devnet.network, node.url]]);
  const facilitator = openRemoteFacilitator(
    { ...spec, verifyTimeoutMs: 1_000, settleTimeoutMs: 1_000, rpc },
    { families, openWitness: openChainWitness, clock },
  );
  opened.push(facilitator);
  const attempt = { transaction: '', data: '{"version":2}' };
  const settlement = { payment, amount: payment.offer.amount, attempt, since: clock() };
  return await facilitator.resolve(settlement, AbortSignal.timeout(15_000));
}

/** A facilitator with a settler of its own. */
async function open(url = devnet.rpcUrl): Promise<Facilitator> {
  const key = generatePrivateKey();
  await setBalance(devnet, privateKeyToAccount(key).address, 10n ** 18n);
  const spec = localSpec({ network: devnet.network, rpcUrl: url }, key);
  const facilitator = openLocalFacilitator(spec, { clock: Date.now });
  opened.push(facilitator);
  return facilitator;
}
