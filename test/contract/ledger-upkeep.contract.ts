import { describe, expect, it } from 'vitest';
import type { Amount } from '../../src/domain/amount.ts';
import type { PaymentState } from '../../src/domain/payment-state.ts';
import { EXPIRES_AT, type LedgerScene, NOW, paymentClaim, SETTLEMENT, STATES } from './ledger-scene.ts';

/** States whose rows may be forgotten once they are old. */
const FORGETTABLE: readonly PaymentState[] = [
  'delivered',
  'delivered_in_part',
  'delivery_unknown',
  'released',
  'failed',
  'defaulted',
];
const YEAR_MS = 365 * 86_400_000;

/** Second checks, debts, and the deletion of old rows. */
export function upkeepContract(scene: LedgerScene): void {
  const { claimed, moved, broughtTo } = scene;

  describe('confirming a settlement', () => {
    it('keeps the evidence and the epoch for a request that is collecting the answer', async () => {
      const settling = await broughtTo('settling');
      const settled = await moved(settling, { to: 'undelivered', settlement: SETTLEMENT, checkAt: scene.now + 1 });
      const delivering = await moved(settled, { to: 'delivering', owner: 'collector' });
      expect(delivering.owner).toBe('collector');
      await scene.ledger.confirm(delivering.key);
      expect(await scene.ledger.find(delivering.key)).toEqual({ ...delivering, checkAt: 0 });
      await moved(delivering, { to: 'delivered' });
      // Read from the store: the record in hand is older than the confirmation.
      expect(await scene.ledger.find(delivering.key)).toMatchObject({ state: 'delivered', evidence: undefined });
      scene.now += YEAR_MS;
      expect(await scene.ledger.takeOpen('finder', scene.now, 1000, 10)).toEqual([]);
    });

    it('deletes the evidence of an answer that arrived', async () => {
      const settling = await broughtTo('settling');
      const step = { to: 'delivering', settlement: SETTLEMENT, checkAt: scene.now + 1 } as const;
      const delivered = await moved(await moved(settling, step), { to: 'delivered' });
      expect(delivered.evidence).toBeDefined();
      await scene.ledger.confirm(delivered.key);
      expect(await scene.ledger.find(delivered.key)).toEqual({ ...delivered, checkAt: 0, evidence: undefined });
    });

    it.each(['settling', 'unknown', 'owed'] as const)('changes nothing of a payment in %s', async (state) => {
      const record = await broughtTo(state);
      await scene.ledger.confirm(record.key);
      expect(await scene.ledger.find(record.key)).toEqual(record);
    });
  });

  describe('the number of open payments', () => {
    it('is counted by state, with the time of the oldest claim', async () => {
      expect(await scene.ledger.countOpen()).toEqual([]);
      const first = await broughtTo('unknown', paymentClaim({ name: 'first', claimedAt: 1_000 }));
      await broughtTo('unknown', paymentClaim({ name: 'second', claimedAt: 2_000 }));
      await broughtTo('owed', paymentClaim({ name: 'third', claimedAt: 3_000 }));
      await broughtTo('settling', paymentClaim({ name: 'fourth', claimedAt: 4_000 }));
      await broughtTo('delivered', paymentClaim({ name: 'over', claimedAt: 1 }));
      expect(await scene.ledger.countOpen()).toEqual([
        { state: 'owed', count: 1, oldestAt: 3_000 },
        { state: 'settling', count: 1, oldestAt: 4_000 },
        { state: 'unknown', count: 2, oldestAt: 1_000 },
      ]);
      await moved(first, { to: 'failed', reason: 'settlement_expired' });
      expect(await scene.ledger.countOpen()).toContainEqual({ state: 'unknown', count: 1, oldestAt: 2_000 });
    });
  });

  describe('the debt', () => {
    it('is counted over all payers and for one payer, until the money moved or is known never to move', async () => {
      const owed = async (payer: string, upTo = { all: 1000, ofPayer: 1000 }) => ({
        all: await scene.ledger.countOwed(upTo.all),
        ofPayer: await scene.ledger.countOwedBy(payer, upTo.ofPayer),
      });
      const answered = async (name: string, payer: string) => {
        const record = await broughtTo('owed', paymentClaim({ name, payer }));
        return moved(record, { to: 'owed', answered: true });
      };
      const one = await answered('one', 'alice');
      const two = await answered('two', 'alice');
      await broughtTo('owed', paymentClaim({ name: 'going-out', payer: 'bob' }));
      // A withheld answer is no debt.
      await broughtTo('unknown', paymentClaim({ name: 'withheld', payer: 'alice' }));
      await broughtTo('settling', paymentClaim({ name: 'withheld-too', payer: 'alice' }));
      expect(await owed('alice')).toEqual({ all: 3, ofPayer: 2 });
      expect(await owed('bob')).toEqual({ all: 3, ofPayer: 1 });
      expect(await owed('carol')).toEqual({ all: 3, ofPayer: 0 });
      expect(await owed('alice', { all: 2, ofPayer: 1 })).toEqual({ all: 2, ofPayer: 1 });
      expect(await owed('alice', { all: 0, ofPayer: 5 })).toEqual({ all: 0, ofPayer: 2 });
      const settling = await moved(one, { to: 'settling' });
      await moved(await moved(two, { to: 'settling' }), { to: 'defaulted', reason: 'insufficient_funds' });
      // A default counts for its payer only, not for all.
      expect(await owed('alice')).toEqual({ all: 2, ofPayer: 2 });
      expect(await owed('alice', { all: 9, ofPayer: 1 })).toEqual({ all: 2, ofPayer: 1 });
      const unknown = await moved(settling, { to: 'unknown' });
      expect(await owed('alice')).toEqual({ all: 2, ofPayer: 2 });
      await moved(unknown, { to: 'delivered', settlement: SETTLEMENT });
      expect(await owed('alice')).toEqual({ all: 1, ofPayer: 1 });
    });

    it('is summed exactly in one asset, at the amount asked for or else the largest possible amount', async () => {
      const [USDC, OTHER] = [`0x${'02'.repeat(20)}`, `0x${'0e'.repeat(20)}`];
      const sum = (asset: string, payer?: string): Promise<bigint> =>
        scene.ledger.sumOwed({ network: paymentClaim().network, asset }, payer);
      const open = async (name: string, payer: string, amount: bigint, asset = USDC) =>
        await moved(await claimed(paymentClaim({ name, payer, amount: amount as Amount, asset })), { to: 'uncharged' });
      expect(await sum(USDC)).toBe(0n);
      const huge = 2n ** 200n;
      const one = await open('one', 'alice', 500_000n);
      await open('two', 'alice', huge);
      await open('three', 'bob', 500_000n);
      await open('four', 'bob', 7n, OTHER);
      expect([await sum(USDC), await sum(USDC, 'alice'), await sum(USDC, 'bob')]).toEqual([
        huge + 1_000_000n,
        huge + 500_000n,
        500_000n,
      ]);
      expect([await sum(OTHER), await sum(OTHER, 'alice'), await sum(OTHER, 'bob')]).toEqual([7n, 0n, 7n]);
      const charged = await moved(one, { to: 'owed', asked: 1_200n as Amount });
      expect(await sum(USDC, 'alice')).toBe(huge + 1_200n);
      const settling = await moved(charged, { to: 'settling' });
      const defaulted = await moved(settling, { to: 'defaulted', reason: 'insufficient_funds' });
      // A default counts for its payer only, not for all.
      expect([await sum(USDC), await sum(USDC, 'alice')]).toEqual([huge + 500_000n, huge + 1_200n]);
      await moved(await moved(defaulted, { to: 'settling' }), { to: 'delivered', settlement: SETTLEMENT });
      expect(await sum(USDC, 'alice')).toBe(huge);
    });

    it('includes an answer that broke off, from its first byte until the money moved', async () => {
      const owing = await broughtTo('owed', paymentClaim({ name: 'broken-off', payer: 'dave' }));
      expect(owing.deliveries).toBe(1);
      const again = await moved(owing, { to: 'owed', checkAt: NOW });
      expect(again.deliveries).toBe(1);
      const settling = await moved(again, { to: 'settling' });
      expect(await scene.ledger.countOwedBy('dave', 10)).toBe(1);
      expect(await scene.ledger.countOwed(10)).toBe(1);
      const unknown = await moved(settling, { to: 'unknown' });
      expect(await scene.ledger.countOwedBy('dave', 10)).toBe(1);
      await moved(unknown, { to: 'undelivered', settlement: SETTLEMENT });
      expect(await scene.ledger.countOwedBy('dave', 10)).toBe(0);
    });

    it('is collected again when the check of a default is due, and is paid with its settlement', async () => {
      const owing = await moved(await broughtTo('owed'), { to: 'owed', answered: true });
      const settling = await moved(owing, { to: 'settling' });
      const defaulted = await moved(settling, { to: 'defaulted', reason: 'insufficient_funds', checkAt: NOW + 10 });
      expect(await scene.ledger.takeOpen('finder', NOW + 9, 1000, 10)).toEqual([]);
      const [taken] = await scene.ledger.takeOpen('finder', NOW + 10, 1000, 10);
      expect(taken).toMatchObject({ key: defaulted.key, state: 'defaulted', checks: 1, owner: 'finder' });
      expect(taken?.evidence).toBeDefined();
      if (taken === undefined) return;
      const paid = await moved(await moved(taken, { to: 'settling' }), { to: 'delivered', settlement: SETTLEMENT });
      expect(await scene.ledger.countOwedBy(paid.payer, 10)).toBe(0);
    });

    it('is not collected again where the default has no next check', async () => {
      const settling = await moved(await broughtTo('owed'), { to: 'settling' });
      await moved(settling, { to: 'defaulted', checkAt: 0 });
      scene.now += YEAR_MS;
      expect(await scene.ledger.takeOpen('finder', scene.now, 1000, 10)).toEqual([]);
    });

    it('does not include a payment that is claimed anew', async () => {
      const owed = await moved(await broughtTo('owed'), { to: 'owed', answered: true });
      const failed = await moved(await moved(owed, { to: 'settling' }), { to: 'failed' });
      expect(failed.answered).toBe(true);
      expect((await claimed()).answered).toBe(false);
    });
  });

  describe('forgetting', () => {
    const later = () => scene.ledger.prune(NOW + YEAR_MS, EXPIRES_AT + YEAR_MS, 100);

    it.each(FORGETTABLE)('deletes an old payment in %s', async (state) => {
      const { key } = await broughtTo(state);
      expect(await later()).toBe(1);
      expect(await scene.ledger.find(key)).toBeUndefined();
      expect(await later()).toBe(0);
    });

    it.each(
      STATES.filter((state) => !FORGETTABLE.includes(state)),
    )('never deletes a payment in %s, which may still settle or be collected', async (state) => {
      const record = await broughtTo(state);
      expect(await later()).toBe(0);
      expect(await scene.ledger.find(record.key)).toEqual(record);
    });

    it('keeps a payment that changed later, and one whose authorization had not expired', async () => {
      const record = await broughtTo('delivered');
      expect(await scene.ledger.prune(NOW, EXPIRES_AT + 1, 100)).toBe(0);
      expect(await scene.ledger.prune(NOW + 1, EXPIRES_AT, 100)).toBe(0);
      expect(await scene.ledger.find(record.key)).toEqual(record);
      expect(await scene.ledger.prune(NOW + 1, EXPIRES_AT + 1, 100)).toBe(1);
    });

    it('deletes no more at a time than it was asked to', async () => {
      for (let index = 0; index < 5; index += 1) await broughtTo('delivered', paymentClaim({ name: `old-${index}` }));
      const prune = () => scene.ledger.prune(NOW + YEAR_MS, EXPIRES_AT + YEAR_MS, 2);
      expect([await prune(), await prune(), await prune(), await prune()]).toEqual([2, 2, 1, 0]);
    });

    it('records the latest expiry that was deleted: an earlier payment may be among the deleted ones, a later one is not', async () => {
      expect(await scene.ledger.mayHaveForgotten(EXPIRES_AT - 1_000_000)).toBe(false);
      await broughtTo('delivered', paymentClaim({ name: 'early' }));
      await broughtTo('delivered', paymentClaim({ name: 'late', expiresAt: EXPIRES_AT + 50 }));
      expect(await scene.ledger.prune(NOW + YEAR_MS, EXPIRES_AT + YEAR_MS, 1)).toBe(1);
      const another = await scene.another();
      expect(await another.mayHaveForgotten(EXPIRES_AT)).toBe(true);
      expect(await another.mayHaveForgotten(EXPIRES_AT + 1)).toBe(false);
      expect(await later()).toBe(1);
      expect(await later()).toBe(0);
      expect(await another.mayHaveForgotten(EXPIRES_AT + 50)).toBe(true);
      expect(await another.mayHaveForgotten(EXPIRES_AT + 51)).toBe(false);
    });

    it('frees the identifier of what it deletes, and deletes its kept answer', async () => {
      const { key } = await broughtTo('delivered', paymentClaim({ name: 'old', identifier: 'order-7' }));
      await scene.ledger.keep(key, {
        status: 200,
        statusText: 'OK',
        headers: [],
        body: new Uint8Array(),
        requestId: 'request',
        requestDigest: undefined,
      });
      expect(await later()).toBe(1);
      expect(await scene.ledger.recall(key)).toBeUndefined();
      await claimed(paymentClaim({ name: 'new', identifier: 'order-7' }));
    });

    it.each([
      'released',
      'failed',
    ] as const)('deletes a payment in %s early, although its authorization is still valid', async (state) => {
      const other = state === 'released' ? 'failed' : 'released';
      const record = await broughtTo(state);
      expect(record.evidence).toBeUndefined();
      expect(await scene.ledger.forgetUnmoved(state, NOW, 100)).toBe(0);
      expect(await scene.ledger.forgetUnmoved(other, NOW + 1, 100)).toBe(0);
      expect(await scene.ledger.forgetUnmoved(state, NOW + 1, 100)).toBe(1);
      expect(await scene.ledger.find(record.key)).toBeUndefined();
      scene.now += 60_000;
      const again = await claimed();
      // The previous holder of the payment cannot move it, however many steps follow.
      expect(again.epoch).not.toBe(record.epoch);
      expect(await scene.ledger.transition(record.key, record.epoch - 1, { to: 'settling' })).toMatchObject({
        kind: 'stale',
      });
    });

    it('deletes no other payment early', async () => {
      const others = STATES.filter((state) => state !== 'released' && state !== 'failed');
      for (const state of others) await broughtTo(state, paymentClaim({ name: state }));
      for (const state of ['released', 'failed'] as const) {
        expect(await scene.ledger.forgetUnmoved(state, NOW + YEAR_MS, 100)).toBe(0);
      }
      for (const state of others) {
        expect((await scene.ledger.find(paymentClaim({ name: state }).key))?.state).toBe(state);
      }
    });

    it('keeps the heartbeat of a living process', async () => {
      const held = await claimed();
      await scene.ledger.beat(held.owner, NOW);
      await scene.ledger.prune(NOW, EXPIRES_AT, 100);
      expect(await scene.ledger.takeOpen('finder', NOW, 1000, 10)).toEqual([]);
    });
  });
}
