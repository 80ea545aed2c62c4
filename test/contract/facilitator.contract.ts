import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Amount } from '../../src/domain/amount.ts';
import type { Network } from '../../src/domain/network.ts';
import { covers, type Facilitator, type OpenSettlement } from '../../src/facilitator/facilitator.ts';
import { clientOf, type Devnet, setBalance, startDevnet } from '../support/devnet.ts';
import { settleInFull } from '../support/settle-in-full.ts';
import { type MadePayment, makePayment, notebook, PRICE } from './facilitator-payments.ts';

/** A facilitator on a chain, as the suite uses it. */
export interface FacilitatorWorld {
  /** Opens one more facilitator with the same configuration, as a restart does. `clock` in Unix milliseconds. */
  open(clock?: () => number): Facilitator;
  /** How many settlements were sent: transactions of our account, or requests. */
  sent(): Promise<number>;
  close(): Promise<void>;
}

/** What a kind of facilitator can do. */
export interface FacilitatorKind {
  readonly name: string;
  /** Whether it reads settlements from the chain. A facilitator that does not answers `unknown`. */
  readonly proves: boolean;
  /** Whether it sends the transactions itself. */
  readonly sends: boolean;
  /** @param key of a funded account that no other world uses */
  start(devnet: Devnet, key: `0x${string}`): Promise<FacilitatorWorld>;
}

/**
 * What every facilitator must keep to: nothing is sent before it was written down, `settled` and `failed` are certain,
 * and no payment is settled twice, whatever was lost in between.
 */
export function facilitatorContract(kind: FacilitatorKind): void {
  const worlds: FacilitatorWorld[] = [];
  let devnet: Devnet;
  let world: FacilitatorWorld;

  async function startWorld(on: Devnet): Promise<FacilitatorWorld> {
    const key = generatePrivateKey();
    await setBalance(on, privateKeyToAccount(key).address, 10n ** 18n);
    const started = await kind.start(on, key);
    worlds.push(started);
    return started;
  }

  beforeAll(async () => {
    devnet = await startDevnet();
    world = await startWorld(devnet);
  });
  afterAll(async () => {
    await Promise.all(worlds.map((started) => started.close()));
    await devnet.close();
  });

  /** Writes an attempt down, and crashes before it is sent. */
  async function crashBeforeSending(made: MadePayment, opened = world.open()): Promise<OpenSettlement> {
    const book = notebook(() => Promise.reject(new Error('crashed')));
    await expect(settleInFull(opened, made.payment, book.write)).rejects.toThrow('crashed');
    return { payment: made.payment, amount: made.payment.offer.amount, attempt: book.last(), since: Date.now() };
  }

  describe(`${kind.name}: before the money moves`, () => {
    it('covers the offer of a payment, and none on another network', async () => {
      const kinds = await world.open().supported(signal());
      const { offer } = (await makePayment(devnet)).payment;
      expect(covers(kinds, offer)).toBe(true);
      expect(covers(kinds, { ...offer, network: 'eip155:1' as Network, v1Network: 'mainnet' })).toBe(false);
    });

    it('accepts a good payment and moves nothing', async () => {
      const made = await makePayment(devnet);
      const payer = made.payment.authorization.payer;
      expect(await world.open().verify(made.payment, signal())).toEqual({ kind: 'valid', payer });
      expect(await made.received()).toBe(0n);
    });

    it('refuses a cancelled payment', async () => {
      const made = await makePayment(devnet);
      await made.cancel();
      expect(await world.open().verify(made.payment, signal())).toMatchObject({ kind: 'invalid' });
    });
  });

  describe(`${kind.name}: settling`, () => {
    it('writes one attempt down before anything is sent, and then moves exactly the price', async () => {
      const made = await makePayment(devnet);
      const before = await world.sent();
      let sentAtWriting = -1;
      const book = notebook(async ({ transaction }) => {
        sentAtWriting = await world.sent();
        if (kind.sends) {
          const known = clientOf(devnet).getTransaction({ hash: transaction as `0x${string}` });
          await expect(known).rejects.toThrow('could not be found');
        }
      });
      expect(await settleInFull(world.open(), made.payment, book.write)).toMatchObject({
        kind: 'settled',
        settlement: { amount: PRICE, payer: made.payment.authorization.payer },
      });
      expect(book.attempts).toHaveLength(1);
      expect(sentAtWriting).toBe(before);
      expect(await world.sent()).toBe(before + 1);
      expect(await made.received()).toBe(PRICE);
    });

    it('reports `failed` and moves nothing when it cannot move exactly the amount that was asked for', async () => {
      const made = await makePayment(devnet);
      const less = (PRICE - 1n) as Amount;
      const outcome = await world.open().settle(made.payment, less, notebook().write);
      expect(outcome.kind).toBe('failed');
      expect(await made.received()).toBe(0n);
    });

    it('sends nothing when the attempt cannot be written down, reports the error, and settles the next payment', async () => {
      const [lost, next] = [await makePayment(devnet), await makePayment(devnet)];
      const facilitator = world.open();
      const before = await world.sent();
      const full = new Error('the disk is full');
      const settling = settleInFull(facilitator, lost.payment, () => Promise.reject(full));
      await expect(settling).rejects.toBe(full);
      expect(await world.sent()).toBe(before);
      expect(await settleInFull(facilitator, next.payment, notebook().write)).toMatchObject({ kind: 'settled' });
      expect(await world.sent()).toBe(before + 1);
      expect(await lost.received()).toBe(0n);
    });
  });

  describe(`${kind.name}: resolving a settlement`, () => {
    it('finds the transaction that settled the payment', async () => {
      const made = await makePayment(devnet);
      const book = notebook();
      const outcome = await settleInFull(world.open(), made.payment, book.write);
      const open = {
        payment: made.payment,
        amount: made.payment.offer.amount,
        attempt: book.last(),
        since: Date.now(),
      };
      const found = await world.open().resolve(open, signal());
      expect(kind.proves ? found : found.kind).toEqual(kind.proves ? outcome : 'unknown');
      expect(await made.received()).toBe(PRICE);
    });

    it('reports `failed` when no attempt was written down', async () => {
      const { payment, received } = await makePayment(devnet);
      const open = { payment, amount: payment.offer.amount, attempt: undefined, since: Date.now() };
      const outcome = await world.open().resolve(open, signal());
      expect(outcome).toEqual({ kind: 'failed', reason: 'settlement_not_sent' });
      expect(await received()).toBe(0n);
    });

    it('counts a transfer that a stranger sent as paid, with the hash of that transaction', async () => {
      const made = await makePayment(devnet);
      const open = await crashBeforeSending(made);
      const transaction = await made.frontRun();
      expect(await world.open().resolve(open, signal())).toMatchObject(
        kind.proves ? { kind: 'settled', settlement: { transaction, amount: PRICE } } : { kind: 'unknown' },
      );
      expect(await made.received()).toBe(PRICE);
    });

    it.each(['cancel', 'useElsewhere'] as const)('does not count a nonce that is gone as paid: %s', async (act) => {
      const made = await makePayment(devnet);
      const open = await crashBeforeSending(made);
      await made[act]();
      const reason = 'invalid_exact_evm_nonce_already_used';
      expect(await world.open().resolve(open, signal())).toMatchObject(
        kind.proves ? { kind: 'failed', reason } : { kind: 'unknown' },
      );
      expect(await made.received()).toBe(0n);
    });

    it('reports `failed` for an attempt that was never sent after it has expired, and not before', async () => {
      const own = await startDevnet();
      try {
        const there = await startWorld(own);
        const made = await makePayment(own);
        const open = await crashBeforeSending(made, there.open());
        const client = clientOf(own);
        await client.increaseTime({ seconds: 600 });
        await client.mine({ blocks: 1 });
        const later = there.open(() => Date.now() + 600_000);
        expect(await later.resolve(open, signal())).toMatchObject({ kind: 'unknown' });
        await client.mine({ blocks: 6 });
        const outcome = await later.resolve(open, signal());
        const over = { kind: 'failed', reason: 'settlement_expired' };
        expect(outcome).toMatchObject(kind.proves ? over : { kind: 'unknown', reason: 'expired_unresolved' });
        expect(await made.received()).toBe(0n);
      } finally {
        await own.close();
      }
    });

    // Without a node the facilitator cannot notice.
    it.skipIf(!kind.proves)('notices that the chain dropped a settlement, and never settles it twice', async () => {
      const own = await startDevnet();
      try {
        const there = await startWorld(own);
        const made = await makePayment(own);
        const book = notebook();
        const outcome = await settleInFull(there.open(), made.payment, book.write);
        expect(outcome).toMatchObject({ kind: 'settled' });
        await undoLastBlock(own, made);
        const open = {
          payment: made.payment,
          amount: made.payment.offer.amount,
          attempt: book.last(),
          since: Date.now(),
        };
        const fresh = there.open();
        if (!kind.sends) {
          const known = outcome.kind === 'settled' ? outcome.settlement : undefined;
          expect(await fresh.resolve({ ...open, known }, signal())).toMatchObject({ kind: 'unknown' });
          return;
        }
        expect(await fresh.resolve(open, signal())).toMatchObject({ kind: 'unknown' });
        await clientOf(own).mine({ blocks: 1 });
        expect(await fresh.resolve(open, signal())).toEqual(outcome);
        expect(await made.received()).toBe(PRICE);
      } finally {
        await own.close();
      }
    });

    it('finishes an attempt that was written down and never sent by sending exactly that attempt', async () => {
      const made = await makePayment(devnet);
      const before = await world.sent();
      const open = await crashBeforeSending(made);
      const fresh = world.open();
      const outcome = await fresh.resolve(open, signal());
      if (kind.sends) {
        const transaction = open.attempt?.transaction;
        expect(outcome).toMatchObject({ kind: 'unknown', transaction });
        await clientOf(devnet).waitForTransactionReceipt({ hash: transaction as `0x${string}` });
        expect(await fresh.resolve(open, signal())).toMatchObject({ kind: 'settled', settlement: { transaction } });
      }
      if (!kind.sends) expect(outcome).toMatchObject({ kind: 'settled' });
      expect(await world.sent()).toBe(before + 1);
      expect(await made.received()).toBe(PRICE);
    });

    it('stops looking when the caller no longer waits', async () => {
      const made = await makePayment(devnet);
      const open = await crashBeforeSending(made);
      const looking = world.open().resolve(open, AbortSignal.abort(new Error('nobody waits')));
      await expect(looking).rejects.toMatchObject({ code: 'facilitator_timeout' });
      expect(await made.received()).toBe(0n);
    });
  });
}

function signal(): AbortSignal {
  return AbortSignal.timeout(10_000);
}

/** Removes the newest blocks, down to the one that holds the payment. */
async function undoLastBlock(devnet: Devnet, made: MadePayment): Promise<void> {
  for (let depth = 1; (await made.received()) > 0n; depth += 1) {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'anvil_reorg', params: [depth, []] });
    const headers = { 'content-type': 'application/json' };
    const answer = await (await fetch(devnet.rpcUrl, { method: 'POST', headers, body })).text();
    if (answer.includes('"error"')) throw new Error(`the chain takes nothing back: ${answer}`);
  }
}
