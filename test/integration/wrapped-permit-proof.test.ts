import { encodeFunctionData, type Hex, parseAbi } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Amount } from '../../src/domain/amount.ts';
import type { Payment } from '../../src/domain/payment.ts';
import type { Facilitator } from '../../src/facilitator/facilitator.ts';
import { openChainWitness } from '../../src/facilitator/remote/chain-witness.ts';
import { openRemoteFacilitator } from '../../src/facilitator/remote/remote-facilitator.ts';
import { families } from '../../src/registry.ts';
import { makePayment, notebook, PRICE } from '../contract/facilitator-payments.ts';
import {
  approvePermit2,
  clientOf,
  type Devnet,
  deploySmartAccount,
  freshPayer,
  type Payer,
  setBalance,
  startDevnet,
} from '../support/devnet.ts';
import { type LimitedNode, openLimitedNode } from '../support/limited-node.ts';
import { type ScriptedFacilitator, startScriptedFacilitator } from '../support/scripted-facilitator.ts';
import { settleInFull } from '../support/settle-in-full.ts';
import { payUpto, units, uptoOffer } from '../support/upto-payments.ts';
import { type RawCall, send, sendHidden, sendThroughMulticall, settleCall } from '../support/wrapped-permits.ts';

/*
 * Facilitators settle permits through other contracts, and no event names a permit: what the chain shows then.
 */

let devnet: Devnet;
let script: ScriptedFacilitator;
const opened: Facilitator[] = [];

beforeAll(async () => {
  devnet = await startDevnet();
});
beforeEach(async () => {
  script = await startScriptedFacilitator();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((facilitator) => facilitator.close()));
  await script.close();
});
afterAll(() => devnet.close());

const NODES = ['rpc', 'publicNodes'] as const;

describe('a permit that was settled through another contract', () => {
  it.each(NODES)('is found when the answer was lost (%s)', async (nodes) => {
    const { payment } = await makePayment(devnet, 'permit2');
    const transaction = await sendThroughMulticall(devnet, [await callOf(payment)]);
    expect(await look(payment, nodes)).toMatchObject({ kind: 'settled', settlement: { transaction } });
  });

  it('is believed at once when the facilitator names the transaction', async () => {
    const { payment } = await makePayment(devnet, 'permit2');
    const transaction = await sendThroughMulticall(devnet, [await callOf(payment)]);
    script.next('settle', { kind: 'agree', changed: { transaction } });
    expect(await settleInFull(open('rpc'), payment, notebook().write)).toMatchObject({
      kind: 'settled',
      settlement: { transaction },
    });
  });

  it('is found when the payer may pay less than was signed for', async () => {
    const owner = privateKeyToAccount(devnet.accounts.settler.key).address;
    const wallet = await deploySmartAccount(devnet, owner);
    const payer = await approvedPayer();
    const payment = await payUpto(devnet, payer, uptoOffer(devnet, 50_000n, wallet));
    const call = await settleCall(devnet, payment, units(777));
    const transaction = await send(devnet, executing(wallet, call));
    expect(await look(payment, 'rpc', units(777))).toMatchObject({ kind: 'settled', settlement: { transaction } });
    expect(await look(payment, 'rpc', units(778))).not.toMatchObject({ kind: 'settled' });
  });

  it('is found when the transaction settled another payment of the same payer, seller and price', async () => {
    const [first, second] = await twoOfOnePayer();
    await sendThroughMulticall(devnet, [await callOf(first), await callOf(second)]);
    expect(await look(first)).toMatchObject({ kind: 'settled' });
    expect(await look(second)).toMatchObject({ kind: 'settled' });
  });

  it('is told from another one in its transaction that was refused, and can still be used', async () => {
    const [settled, refused] = await twoOfOnePayer();
    const { to, data } = await callOf(refused);
    const signature = String(refused.submission.payload.payload['signature']).slice(2);
    const broken = { to, data: data.replace(signature, `${'11'.repeat(64)}1b`) as Hex };
    await sendThroughMulticall(devnet, [await callOf(settled), broken]);
    expect(await devnet.usdcBalanceOf(settled.offer.payTo as Hex)).toBe(PRICE);
    expect(await look(settled)).toMatchObject({ kind: 'settled' });
    expect(await look(refused)).toMatchObject({ kind: 'unknown' });
  });

  it('stays in doubt where the transaction does not show which permit it was', async () => {
    const { payment } = await makePayment(devnet, 'permit2');
    await sendHidden(devnet, await callOf(payment));
    expect(await devnet.usdcBalanceOf(payment.offer.payTo as Hex)).toBe(PRICE);
    expect(await look(payment)).toMatchObject({ kind: 'unknown' });
  });
});

describe('a node that has no states of older blocks', () => {
  let node: LimitedNode;
  beforeAll(async () => {
    node = await openLimitedNode(devnet.rpcUrl, ({ method, params: [, block] }) =>
      method === 'eth_call' && block !== 'latest' ? { code: -32000, message: 'missing trie node' } : undefined,
    );
  });
  afterAll(() => node.close());

  it('lets a permit be found that was settled through another contract, by its name', async () => {
    const { payment } = await makePayment(devnet, 'permit2');
    const transaction = await sendThroughMulticall(devnet, [await callOf(payment)]);
    script.next('settle', { kind: 'agree', changed: { transaction } });
    const facilitator = open('rpc', node.url);
    expect(await settleInFull(facilitator, payment, notebook().write)).toMatchObject({ kind: 'settled' });
  });

  it('proves no permit that is still there', async () => {
    const [ours, other] = await twoOfOnePayer();
    const idle: RawCall = { to: '0x00000000000000000000000000000000000000aa', data: (await callOf(ours)).data };
    const transaction = await sendThroughMulticall(devnet, [idle, await callOf(other)]);
    script.next('settle', { kind: 'agree', changed: { transaction } });
    const facilitator = open('rpc', node.url);
    expect(await settleInFull(facilitator, ours, notebook().write)).toMatchObject({ kind: 'unknown', transaction });
  });
});

describe('a permit that was not settled', () => {
  it('is not taken as settled for its call in a transaction that does nothing with it', async () => {
    const [ours, other] = await twoOfOnePayer();
    const idle: RawCall = { to: '0x00000000000000000000000000000000000000aa', data: (await callOf(ours)).data };
    await inOneBlock(ours, async () => await sendThroughMulticall(devnet, [idle, await callOf(other)]));
    expect((await look(ours)).kind).toBe('unknown');
  });

  it('is not taken as settled by the transfer of another one that its transaction hides', async () => {
    const [ours, other] = await twoOfOnePayer();
    await inOneBlock(ours, async () => await sendHidden(devnet, await callOf(other)));
    expect((await look(ours)).kind).toBe('unknown');
  });

  it('has failed when it was given up, whatever else was settled in other blocks', async () => {
    const [ours, other] = await twoOfOnePayer();
    await sendThroughMulticall(devnet, [await callOf(other)]);
    await giveUp(ours);
    await clientOf(devnet).mine({ blocks: 90, interval: 0 });
    expect(await lookWithoutArchive(ours)).toMatchObject({ kind: 'failed', reason: 'permit2_invalid_nonce' });
  });

  it('has failed when it was given up in the block of a plain settlement of another one', async () => {
    const [ours, other] = await twoOfOnePayer();
    await inOneBlock(ours, async () => await send(devnet, await callOf(other)));
    await clientOf(devnet).mine({ blocks: 90, interval: 0 });
    expect(await lookWithoutArchive(ours)).toMatchObject({ kind: 'failed', reason: 'permit2_invalid_nonce' });
  });
});

function open(nodes: (typeof NODES)[number], url = devnet.rpcUrl): Facilitator {
  const spec = {
    kind: 'remote',
    name: 'scripted',
    url: script.url,
    headers: [],
    cdp: undefined,
    verifyTimeoutMs: 10_000,
    settleTimeoutMs: 10_000,
    rpc: new Map(),
    [nodes]: new Map([[devnet.network, url]]),
  } as const;
  const loadWitness = () => Promise.resolve(openChainWitness);
  const facilitator = openRemoteFacilitator(spec, { families, openWitness: openChainWitness, loadWitness });
  opened.push(facilitator);
  return facilitator;
}

/** What recovery finds out about a payment whose answer was lost. */
async function look(
  payment: Payment,
  nodes: (typeof NODES)[number] = 'rpc',
  amount: Amount = payment.offer.amount,
  url = devnet.rpcUrl,
) {
  const refused = { kind: 'refuse', reason: 'permit2_simulation_failed' } as const;
  script.next('settle', refused);
  const attempt = { transaction: '', data: '{"version":2}' };
  return await open(nodes, url).resolve({ payment, amount, attempt, since: Date.now() }, AbortSignal.timeout(10_000));
}

/** The chain began less than two minutes ago: the state of then is asked for, and a younger one where it is gone. */
async function lookWithoutArchive(payment: Payment) {
  const node = await openLimitedNode(devnet.rpcUrl, ({ method, params: [, block] }) =>
    method === 'eth_call' && block === '0x0' ? { code: -32000, message: 'missing trie node' } : undefined,
  );
  const seen = await look(payment, 'rpc', payment.offer.amount, node.url);
  await node.close();
  return seen;
}

function callOf(payment: Payment): Promise<RawCall> {
  return settleCall(devnet, payment, payment.offer.amount);
}

async function approvedPayer(): Promise<Payer> {
  const payer = await freshPayer(devnet);
  await approvePermit2(devnet, payer.key);
  await setBalance(devnet, payer.address, 10n ** 18n);
  return payer;
}

const payers = new WeakMap<Payment, Payer>();

/** Two payments of one payer for one seller, at one price. */
async function twoOfOnePayer(): Promise<readonly [Payment, Payment]> {
  const payer = await approvedPayer();
  const { payment: first, payTo } = await makePayment(devnet, 'permit2', payer);
  const { payment: second } = await makePayment(devnet, 'permit2', payer, payTo);
  payers.set(first, payer);
  return [first, second];
}

/** A smart account's call of another contract. */
function executing(wallet: Hex, { to, data }: RawCall): RawCall {
  const abi = parseAbi(['function execute(address to, uint256 value, bytes data) payable returns (bytes)']);
  return { to: wallet, data: encodeFunctionData({ abi, args: [to, 0n, data] }) };
}

/** The payer takes a permit's nonce back. */
async function giveUp(payment: Payment): Promise<void> {
  const payer = payers.get(payment);
  if (payer === undefined) throw new Error('this payer is not known');
  const authorization = payment.submission.payload.payload['permit2Authorization'] as Record<string, string>;
  const nonce = BigInt(authorization['nonce'] ?? '');
  const abi = parseAbi(['function invalidateUnorderedNonces(uint256 word, uint256 mask)']);
  const data = encodeFunctionData({ abi, args: [nonce >> 8n, 1n << (nonce & 255n)] });
  const account = privateKeyToAccount(payer.key);
  const to = '0x000000000022d473030f116ddee9f6b43ac78ba3';
  await clientOf(devnet).sendTransaction({ account, to, data, gas: 100_000n });
}

/** The payer takes a permit's nonce back in the block of another transaction. */
async function inOneBlock(payment: Payment, sendOther: () => Promise<unknown>): Promise<void> {
  const client = clientOf(devnet);
  await client.setAutomine(false);
  await client.setIntervalMining({ interval: 0 });
  try {
    await giveUp(payment);
    const other = sendOther();
    await expect.poll(async () => (await client.getTxpoolStatus()).pending, { timeout: 10_000 }).toBe(2);
    await client.mine({ blocks: 1 });
    await other;
  } finally {
    await client.setIntervalMining({ interval: 2 });
    await client.setAutomine(true);
  }
}
