import { describe, expect, it } from 'vitest';
import type { Amount } from '../../src/domain/amount.ts';
import { isClaimable } from '../../src/domain/payment-state.ts';
import { freshRow, type LedgerScene, NOW, paymentClaim, SETTLEMENT, STATES } from './ledger-scene.ts';

/** What every ledger has to do when a payment is claimed. */
export function claimContract(scene: LedgerScene): void {
  const { claimed, moved, broughtTo } = scene;

  describe('claiming a payment', () => {
    it('writes down what the payment was claimed for', async () => {
      const claim = paymentClaim({ state: 'forwarding' });
      const record = await claimed(claim);
      expect(record).toEqual(freshRow(claim, record.epoch, NOW));
      expect(await scene.ledger.find(claim.key)).toEqual(record);
    });

    it('succeeds once for fifty requests at the same time', async () => {
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, (_, index) => scene.ledger.claim(paymentClaim({ requestId: `request-${index}` }))),
      );
      const winners = outcomes.filter(({ kind }) => kind === 'claimed');
      expect(winners).toHaveLength(1);
      // The other requests get the record of the first claim, not of their own.
      for (const { record } of outcomes) expect(record).toEqual(winners[0]?.record);
    });

    it('succeeds once for fifty requests at the same time after a release', async () => {
      const released = await broughtTo('released');
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, (_, index) => scene.ledger.claim(paymentClaim({ requestId: `again-${index}` }))),
      );
      const winners = outcomes.filter(({ kind }) => kind === 'claimed');
      expect(winners).toHaveLength(1);
      expect(winners[0]?.record.epoch).toBeGreaterThan(released.epoch);
    });

    it('keeps payments apart that differ in their key only', async () => {
      const one = await claimed(paymentClaim({ name: 'one' }));
      const other = await claimed(paymentClaim({ name: 'One' }));
      await moved(one, { to: 'settling' });
      expect((await scene.ledger.find(other.key))?.state).toBe('forwarding');
    });

    it.each(STATES.filter((state) => !isClaimable(state)))('is refused while the payment is %s', async (state) => {
      const record = await broughtTo(state);
      const second = paymentClaim({ requestId: 'second', fingerprint: 'e'.repeat(64), amount: 1n as Amount });
      expect(await scene.ledger.claim(second)).toEqual({ kind: 'held', record });
      expect(await scene.ledger.find(record.key)).toEqual(record);
    });

    it.each(['released', 'failed'] as const)('begins again, at a higher epoch, after %s', async (state) => {
      const first = await broughtTo(state);
      scene.now += 1000;
      const again = paymentClaim({
        requestId: 'again',
        fingerprint: 'e'.repeat(64),
        claimedAt: scene.now,
        state: 'settling',
      });
      const second = await claimed(again);
      expect(second).toEqual(freshRow(again, second.epoch, scene.now));
      expect(second.epoch).toBeGreaterThan(first.epoch);
    });

    it.each(['forwarding', 'settling'] as const)('can begin in %s', async (state) => {
      expect((await claimed(paymentClaim({ state }))).state).toBe(state);
    });

    it.each([
      0n,
      1n,
      2n ** 63n - 1n,
      2n ** 63n,
      2n ** 64n + 1n,
      2n ** 256n - 1n,
    ])('keeps an amount of %s exactly', async (units) => {
      const amount = units as Amount;
      let record = await claimed(paymentClaim({ amount, state: 'settling' }));
      record = await moved(record, { to: 'delivering', settlement: { ...SETTLEMENT, amount } });
      const read = await scene.ledger.find(record.key);
      expect([read?.amount, read?.settlement?.amount]).toEqual([units, units]);
    });

    it('is refused while another payment uses the same identifier', async () => {
      const other = await claimed(paymentClaim({ name: 'other', identifier: 'order-7' }));
      const mine = paymentClaim({ name: 'mine', identifier: 'order-7' });
      expect(await scene.ledger.claim(mine)).toEqual({ kind: 'held', record: other });
      expect(await scene.ledger.find(mine.key)).toBeUndefined();
      await claimed(paymentClaim({ name: 'third', identifier: 'order-8' }));
      await claimed(paymentClaim({ name: 'fourth' }));
      await claimed(paymentClaim({ name: 'fifth' }));
    });

    it('succeeds once for fifty payments under one identifier at the same time', async () => {
      const claims = Array.from({ length: 50 }, (_, index) =>
        scene.ledger.claim(paymentClaim({ name: `payment-${index}`, identifier: 'order-7' })),
      );
      const outcomes = await Promise.all(claims);
      expect(outcomes.filter(({ kind }) => kind === 'claimed')).toHaveLength(1);
      expect(new Set(outcomes.map(({ record }) => record.key)).size).toBe(1);
    });

    it('succeeds under the identifier of a released payment, which is then refused itself', async () => {
      const identifier = 'order-7';
      const released = await broughtTo('released', paymentClaim({ name: 'released', identifier }));
      const record = await claimed(paymentClaim({ name: 'mine', identifier }));
      const again = { ...paymentClaim({ name: 'released', identifier }), key: released.key };
      expect(await scene.ledger.claim(again)).toEqual({ kind: 'held', record });
    });

    it('keeps text of any kind as it is', async () => {
      const odd = "ü\u{1F4B8}'; DROP TABLE payments; -- \\ %_\n";
      const record = await claimed(
        paymentClaim({ name: odd, route: odd, requestId: odd, payTo: odd, state: 'settling' }),
      );
      await moved(record, { to: 'unknown', reason: odd });
      expect(await scene.ledger.find(record.key)).toMatchObject({
        key: record.key,
        route: odd,
        requestId: odd,
        reason: odd,
      });
    });
  });
}
