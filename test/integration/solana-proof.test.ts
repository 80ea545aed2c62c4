import { generateKeyPairSigner, type KeyPairSigner } from '@solana/kit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RemoteFacilitatorSpec } from '../../src/domain/facilitator-spec.ts';
import type { Network } from '../../src/domain/network.ts';
import type { Payment } from '../../src/domain/payment.ts';
import type { SettlementOutcome } from '../../src/domain/settlement.ts';
import type { Facilitator, OpenSettlement } from '../../src/facilitator/facilitator.ts';
import { openRemoteFacilitator } from '../../src/facilitator/remote/remote-facilitator.ts';
import { openSolanaWitness } from '../../src/facilitator/solana/solana-witness.ts';
import { families } from '../../src/registry.ts';
import { TOKEN_2022_PROGRAM } from '../../src/svm/token-account.ts';
import { notebook } from '../contract/facilitator-payments.ts';
import { type ScriptedFacilitator, startScriptedFacilitator } from '../support/scripted-facilitator.ts';
import { settleInFull } from '../support/settle-in-full.ts';
import { SVM_NETWORK, type SvmChain, startSvmChain } from '../support/svm/local-chain.ts';
import { makeSvmPayment, SVM_PRICE, type SvmPayment } from '../support/svm/payments.ts';

/** What a node of Solana shows of settlements that a remote facilitator was asked for. */

const NETWORK = SVM_NETWORK as Network;
/** Beyond the end of every blockhash, and the time that is left for a node to write down what it saw. */
const GIVEN_UP_SECONDS = 200;
const REFUSED = { kind: 'refuse', reason: 'unexpected_settle_error' } as const;

const opened: Facilitator[] = [];
let chain: SvmChain;
let script: ScriptedFacilitator;
let [buyer, payee, settler]: KeyPairSigner[] = [];

beforeAll(async () => {
  chain = await startSvmChain();
});
beforeEach(async () => {
  script = await startScriptedFacilitator();
  [buyer, payee, settler] = await Promise.all([
    generateKeyPairSigner(),
    generateKeyPairSigner(),
    generateKeyPairSigner(),
  ]);
  chain.fund(buyer.address, 10_000_000n);
  chain.fund(payee.address, 0n);
  chain.fund(settler.address, 0n);
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((facilitator) => facilitator.close()));
  await script.close();
});
afterAll(async () => {
  await chain.close();
});

function pay(mint?: string): Promise<SvmPayment> {
  if (buyer === undefined || payee === undefined || settler === undefined) throw new Error('nobody is there to pay');
  return makeSvmPayment({ rpcUrl: chain.rpcUrl, buyer, payee: payee.address, settler }, mint);
}

function open(change: Partial<RemoteFacilitatorSpec> = {}, clock: () => number = Date.now): Facilitator {
  const spec: RemoteFacilitatorSpec = {
    kind: 'remote',
    name: 'scripted',
    url: script.url,
    headers: [],
    cdp: undefined,
    verifyTimeoutMs: 20_000,
    settleTimeoutMs: 1_000,
    rpc: new Map([[NETWORK, chain.rpcUrl]]),
    ...change,
  };
  const facilitator = openRemoteFacilitator(spec, {
    families,
    openWitness: openSolanaWitness,
    clock,
    loadWitness: () => Promise.resolve(openSolanaWitness),
  });
  opened.push(facilitator);
  return facilitator;
}

function says(transaction: string): void {
  const answer = { success: true, transaction, network: SVM_NETWORK, payer: buyer?.address };
  script.next('settle', { kind: 'say', text: JSON.stringify(answer) });
}

function lost(payment: Payment, more: Partial<OpenSettlement> = {}): OpenSettlement {
  const attempt = { transaction: '', data: '{"version":2}' };
  return { payment, amount: payment.offer.amount, attempt, since: Date.now(), ...more };
}

function signal(): AbortSignal {
  return AbortSignal.timeout(20_000);
}

function settledAs(transaction: string): object {
  return { kind: 'settled', settlement: { transaction, payer: buyer?.address, amount: SVM_PRICE } };
}

describe('what a facilitator says of a settlement on Solana', () => {
  it('is believed when our node shows the transaction with the price', async () => {
    const made = await pay();
    const transaction = await made.land();
    says(transaction);
    expect(await settleInFull(open(), made.payment, notebook().write)).toEqual(settledAs(transaction));
  });

  it('is believed before the block is finalized, as soon as two thirds have voted for it', async () => {
    const made = await pay();
    chain.holdFinality(true);
    try {
      const transaction = await made.land();
      says(transaction);
      expect(await settleInFull(open(), made.payment, notebook().write)).toEqual(settledAs(transaction));
    } finally {
      chain.holdFinality(false);
    }
  });

  it.each([
    ['exists nowhere', async () => '5'.repeat(88)],
    ['paid for something else', async () => await (await pay()).land()],
  ])('is not believed of a transaction that %s', async (_which, tell) => {
    const { payment } = await pay();
    const transaction = await tell();
    says(transaction);
    const outcome = await settleInFull(open(), payment, notebook().write);
    expect(outcome).toEqual({ kind: 'unknown', reason: 'settlement_unproved', transaction });
  });

  it('is not believed of this very transaction when it failed', async () => {
    const made = await pay();
    if (buyer !== undefined) chain.fund(buyer.address, 1n);
    const transaction = await made.land();
    says(transaction);
    expect(await settleInFull(open(), made.payment, notebook().write)).toMatchObject({ kind: 'unknown' });
  });

  it('is not believed while the node is away or serves another chain', async () => {
    const made = await pay();
    const transaction = await made.land();
    const unproved = { kind: 'unknown', reason: 'settlement_unproved', transaction };
    chain.lie('getGenesisHash', () => '5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d');
    try {
      says(transaction);
      expect(await settleInFull(open(), made.payment, notebook().write)).toEqual(unproved);
    } finally {
      chain.lie('getGenesisHash', undefined);
    }
    says(transaction);
    const away = open({ rpc: new Map([[NETWORK, 'http://127.0.0.1:1']]) });
    expect(await settleInFull(away, made.payment, notebook().write)).toEqual(unproved);
  });

  it('is a failure when it refuses, unless the chain shows the payment', async () => {
    const made = await pay();
    const refusal = { kind: 'refuse', reason: 'invalid_exact_svm_payload_amount_mismatch' } as const;
    script.next('settle', refusal);
    const failed = { kind: 'failed', reason: refusal.reason };
    expect(await settleInFull(open(), made.payment, notebook().write)).toEqual(failed);
    const transaction = await made.land();
    script.next('settle', refusal);
    expect(await settleInFull(open(), made.payment, notebook().write)).toEqual(settledAs(transaction));
  });

  it('is no failure when it refuses after minutes and the chain shows a transaction within the time of the offer', async () => {
    const made = await pay();
    const { maxTimeoutSeconds } = made.payment.offer;
    const transaction = await made.land();
    script.next('settle', { kind: 'refuse', reason: 'invalid_exact_svm_payload_amount_mismatch' });
    const late = open({}, () => Date.now() + maxTimeoutSeconds * 1000);
    expect(await settleInFull(late, made.payment, notebook().write)).toEqual(settledAs(transaction));
  });
});

describe('a settlement in doubt on Solana', () => {
  it('is found by what the buyer signed when the transaction id is not known', async () => {
    const [other, made] = [await pay(), await pay()];
    await other.land();
    const transaction = await made.land();
    await (await pay()).land();
    expect(await open().resolve(lost(made.payment), signal())).toEqual(settledAs(transaction));
    expect(script.requests).toEqual([]);
  });

  it('is found without a memo, among all transactions of the buyer', async () => {
    const [other, made] = [await pay(), await pay()];
    await other.land();
    const transaction = await made.land();
    chain.lie('getSignaturesForAddress', (list: object[]) => list.map((entry) => ({ ...entry, memo: null })));
    try {
      expect(await open().resolve(lost(made.payment), signal())).toEqual(settledAs(transaction));
    } finally {
      chain.lie('getSignaturesForAddress', undefined);
    }
  });

  it('of a token of Token-2022 is found as well', async () => {
    const mint = (await generateKeyPairSigner()).address;
    const owners = new Map([[buyer?.address ?? '', 1_000_000n]]);
    chain.mint(mint, owners.set(payee?.address ?? '', 0n), TOKEN_2022_PROGRAM);
    const made = await pay(mint);
    const transaction = await made.land();
    expect(chain.balance(payee?.address ?? '', mint, TOKEN_2022_PROGRAM)).toBe(SVM_PRICE);
    expect(await open().resolve(lost(made.payment), signal())).toEqual(settledAs(transaction));
  });

  it('stays in doubt until its block is finalized', async () => {
    const made = await pay();
    chain.holdFinality(true);
    const transaction = await made.land();
    const pending = { kind: 'unknown', reason: 'settlement_pending', transaction };
    expect(await open().resolve(lost(made.payment), signal())).toEqual(pending);
    chain.holdFinality(false);
    expect(await open().resolve(lost(made.payment), signal())).toEqual(settledAs(transaction));
  });

  it('failed when the transaction is in a block and did nothing', async () => {
    const made = await pay();
    if (buyer !== undefined) chain.fund(buyer.address, 1n);
    const transaction = await made.land();
    const failed = { kind: 'failed', reason: 'invalid_exact_svm_transaction_failed', transaction };
    expect(await open().resolve(lost(made.payment), signal())).toEqual(failed);
  });

  it('is requested once more while its blockhash is valid and no node has seen it', async () => {
    const { payment } = await pay();
    script.next('settle', REFUSED);
    expect(await open().resolve(lost(payment), signal())).toMatchObject({ kind: 'unknown', reason: REFUSED.reason });
    expect(script.requests).toHaveLength(1);
    const unsent = lost(payment, { attempt: undefined });
    expect(await open().resolve(unsent, signal())).toEqual({ kind: 'failed', reason: 'settlement_not_sent' });
    expect(script.requests).toHaveLength(1);
  });

  it('has failed when it is still not seen three minutes after its blockhash ended, and not before', async () => {
    const { payment } = await pay();
    const doubt = lost(payment);
    chain.expireBlockhash();
    const pending = { kind: 'unknown', reason: 'settlement_pending' };
    expect(await open().resolve(doubt, signal())).toEqual(pending);
    chain.passTime(GIVEN_UP_SECONDS);
    try {
      const expired = { kind: 'failed', reason: 'settlement_expired' };
      expect(await open().resolve(doubt, signal())).toEqual(expired);
    } finally {
      chain.passTime(-GIVEN_UP_SECONDS);
    }
    expect(script.requests).toEqual([]);
  });

  it.each([
    ['is ahead', 3_600_000],
    ['was ahead, and has been put back', 0],
  ])('is found when the clock %s', async (_how, aheadMs) => {
    const made = await pay();
    const transaction = await made.land();
    chain.expireBlockhash();
    const doubt = { ...lost(made.payment), since: Date.now() + 3_600_000 };
    const clocked = open({}, () => Date.now() + aheadMs);
    expect(await clocked.resolve(doubt, signal())).toEqual(settledAs(transaction));
  });

  it('is settled when it was seen, however long ago its blockhash ended', async () => {
    const made = await pay();
    const transaction = await made.land();
    const doubt = lost(made.payment);
    chain.expireBlockhash();
    chain.passTime(GIVEN_UP_SECONDS);
    try {
      expect(await open().resolve(doubt, signal())).toEqual(settledAs(transaction));
    } finally {
      chain.passTime(-GIVEN_UP_SECONDS);
    }
  });

  it('is looked at once more after it was settled, and found where it was', async () => {
    const made = await pay();
    const transaction = await made.land();
    const known = { transaction, payer: buyer?.address ?? '', amount: made.payment.offer.amount };
    expect(await open().resolve(lost(made.payment, { known }), signal())).toEqual(settledAs(transaction));
    const gone = { ...known, transaction: '5'.repeat(88) };
    expect(await open().resolve(lost((await pay()).payment, { known: gone }), signal())).toMatchObject({
      kind: 'unknown',
    });
    expect(script.requests).toEqual([]);
  });
});

describe('a node of Solana that is not to be trusted', () => {
  /** What becomes of a payment that landed, and whose blockhash ended long ago, while a method tells lies. */
  async function whileLying(method: string, tell: (result: never) => unknown): Promise<SettlementOutcome> {
    const made = await pay();
    await made.land();
    const doubt = lost(made.payment);
    chain.expireBlockhash();
    chain.passTime(GIVEN_UP_SECONDS);
    chain.lie(method, tell);
    try {
      return await open().resolve(doubt, signal());
    } finally {
      chain.lie(method, undefined);
      chain.passTime(-GIVEN_UP_SECONDS);
    }
  }

  it('ends no doubt when it lists a transaction that it does not show', async () => {
    expect(await whileLying('getTransaction', () => null)).toEqual({ kind: 'unknown', reason: 'settlement_pending' });
  });

  it('ends no doubt when it shows another change of the balance', async () => {
    const tell = (shown: { meta: { postTokenBalances: object[] } }) => ({
      ...shown,
      meta: { ...shown.meta, postTokenBalances: [] },
    });
    expect(await whileLying('getTransaction', tell)).toMatchObject({
      kind: 'unknown',
      reason: 'settlement_amount_mismatch',
    });
  });

  it('ends no doubt when its fee payer did not sign what it shows', async () => {
    const forge = (shown: { transaction: [string, string] }) => {
      const bytes = Buffer.from(shown.transaction[0], 'base64');
      bytes.writeUInt8(bytes.readUInt8(8) ^ 1, 8);
      return { ...shown, transaction: [bytes.toString('base64'), 'base64'] };
    };
    await expect(whileLying('getTransaction', forge)).rejects.toMatchObject({ code: 'facilitator_invalid_answer' });
  });

  it.each<[string, () => unknown]>([
    ['getAccountInfo', () => ({ context: { slot: 1 }, value: null })],
    ['isBlockhashValid', () => ({ value: 'no' })],
    ['getSignaturesForAddress', () => ({ value: [] })],
    ['getSignaturesForAddress', () => [{ signature: 7 }]],
    ['getTransaction', () => ({ meta: { err: null } })],
    ['getGenesisHash', () => '5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d'],
  ])('is a fault and no outcome where %s makes no sense', async (method, tell) => {
    await expect(whileLying(method, tell)).rejects.toMatchObject({ code: 'facilitator_invalid_answer' });
  });

  it('does not end a doubt while it is behind: a blockhash that it does not know yet may be good', async () => {
    const { payment } = await pay();
    chain.lie('isBlockhashValid', () => ({ value: false }));
    chain.passTime(-GIVEN_UP_SECONDS);
    try {
      const behind = { kind: 'unknown', reason: 'chain_node_behind' };
      expect(await open().resolve(lost(payment), signal())).toEqual(behind);
    } finally {
      chain.passTime(GIVEN_UP_SECONDS);
      chain.lie('isBlockhashValid', undefined);
    }
  });

  it.each([
    'getAccountInfo',
    'isBlockhashValid',
    'getSignaturesForAddress',
    'getTransaction',
  ])('is given up where it hangs at %s', async (method) => {
    const made = await pay();
    await made.land();
    chain.hang(method, true);
    try {
      const look = open().resolve(lost(made.payment), AbortSignal.timeout(500));
      await expect(look).rejects.toMatchObject({ code: 'facilitator_timeout' });
    } finally {
      chain.hang(method, false);
    }
  });

  it('is a fault where it breaks off', async () => {
    const made = await pay();
    chain.silence('getSignaturesForAddress', 1);
    await expect(open().resolve(lost(made.payment), signal())).rejects.toMatchObject({
      code: 'facilitator_unreachable',
    });
  });
});

describe('a payment on Solana that somebody else had settled', () => {
  it('is found while it is recent, and reported as used later', async () => {
    const made = await pay();
    expect(await open().findForeign?.(made.payment, signal())).toEqual({ kind: 'none' });
    const transaction = await made.land();
    const found = { kind: 'found', settlement: { transaction, payer: buyer?.address, amount: SVM_PRICE } };
    expect(await open().findForeign?.(made.payment, signal())).toMatchObject(found);
    chain.passTime(301);
    try {
      expect(await open().findForeign?.(made.payment, signal())).toEqual({ kind: 'used' });
    } finally {
      chain.passTime(-301);
    }
  });

  it('is none where its transaction failed', async () => {
    const made = await pay();
    if (buyer !== undefined) chain.fund(buyer.address, 1n);
    await made.land();
    expect(await open().findForeign?.(made.payment, signal())).toEqual({ kind: 'none' });
  });
});

describe('a public node of Solana', () => {
  it('is asked only about a settlement in doubt', async () => {
    const made = await pay();
    const transaction = await made.land();
    const facilitator = open({ rpc: new Map(), publicNodes: new Map([[NETWORK, chain.rpcUrl]]) });
    const listed = chain.calls.get('getSignaturesForAddress') ?? 0;
    script.next('settle', REFUSED);
    expect(await settleInFull(facilitator, made.payment, notebook().write)).toMatchObject({ kind: 'unknown' });
    expect(await facilitator.findForeign?.(made.payment, signal())).toEqual({ kind: 'unseen' });
    expect(chain.calls.get('getSignaturesForAddress') ?? 0).toBe(listed);
    expect(await facilitator.resolve(lost(made.payment), signal())).toEqual(settledAs(transaction));
    expect(script.requests).toHaveLength(1);
  });
});
