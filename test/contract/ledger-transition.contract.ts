import { describe, expect, it } from 'vitest';
import type { Amount } from '../../src/domain/amount.ts';
import { isClaimable, mayFollow, type PaymentState } from '../../src/domain/payment-state.ts';
import type { Settlement } from '../../src/domain/settlement.ts';
import { type LedgerScene, NOW, paymentClaim, SETTLEMENT, STATES, stepTo } from './ledger-scene.ts';

/** What every ledger has to do when a payment changes its state. */
export function transitionContract(scene: LedgerScene): void {
  const { claimed, moved, broughtTo } = scene;

  describe('moving a payment', () => {
    const steps = STATES.flatMap((from) => STATES.map((to) => [from, to] as const));
    const legal = ([from, to]: readonly [PaymentState, PaymentState]) => !isClaimable(from) && mayFollow(from, to);

    it.each(steps.filter(legal))('from %s to %s raises the epoch', async (from, to) => {
      const record = await broughtTo(from);
      scene.now += 5;
      const next = await moved(record, stepTo(to));
      expect(next).toMatchObject({
        state: to,
        epoch: record.epoch + 1,
        changedAt: scene.now,
        claimedAt: record.claimedAt,
      });
      expect(await scene.ledger.find(record.key)).toEqual(next);
    });

    it.each(
      steps.filter(legal),
    )('from %s to %s returns the row also to a caller that passes none', async (from, to) => {
      const { key, epoch } = await broughtTo(from);
      const outcome = await scene.ledger.transition(key, epoch, stepTo(to));
      expect(outcome).toEqual({ kind: 'moved', record: await scene.ledger.find(key) });
    });

    it('is refused at an old epoch, whatever row the caller passes', async () => {
      const old = await claimed();
      const current = await moved(old, { to: 'owed' });
      const made = { ...old, epoch: current.epoch, state: 'settling' } as const;
      expect(await scene.ledger.transition(old.key, old.epoch, { to: 'settling' }, made)).toEqual({
        kind: 'stale',
        record: current,
      });
    });

    it.each(STATES)('from %s rejects every step that does not exist, and changes nothing', async (from) => {
      const record = await broughtTo(from);
      for (const to of STATES.filter((state) => !legal([from, state]))) {
        await expect(scene.ledger.transition(record.key, record.epoch, stepTo(to)), to).rejects.toThrow(
          /cannot go from/,
        );
      }
      expect(await scene.ledger.find(record.key)).toEqual(record);
    });

    it('is refused at an old epoch', async () => {
      const old = await claimed();
      const current = await moved(old, { to: 'owed' });
      expect(await scene.ledger.transition(old.key, old.epoch, { to: 'settling' })).toEqual({
        kind: 'stale',
        record: current,
      });
      expect(await scene.ledger.find(old.key)).toEqual(current);
    });

    it('is refused to a request whose payment was claimed by another one meanwhile', async () => {
      const old = await claimed();
      await moved(old, { to: 'released' });
      const current = await claimed(paymentClaim({ requestId: 'other', state: 'forwarding' }));
      const outcome = await scene.ledger.transition(old.key, old.epoch, { to: 'settling' });
      expect(outcome).toEqual({ kind: 'stale', record: current });
    });

    it.each([0, 2, 99, -1])('is refused at epoch %i of a payment at epoch 1', async (epoch) => {
      const record = await claimed();
      expect(await scene.ledger.transition(record.key, epoch, { to: 'released' })).toEqual({ kind: 'stale', record });
    });

    it('is refused for a payment that is not there', async () => {
      const outcome = await scene.ledger.transition(paymentClaim().key, 1, { to: 'released' });
      expect(outcome).toEqual({ kind: 'stale', record: undefined });
    });

    it('succeeds once for fifty requests at the same time', async () => {
      const record = await broughtTo('undelivered');
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, () => scene.ledger.transition(record.key, record.epoch, { to: 'delivering' })),
      );
      expect(outcomes.filter(({ kind }) => kind === 'moved')).toHaveLength(1);
    });

    it('keeps the settlement through all later steps', async () => {
      const settlement: Settlement = { ...SETTLEMENT, extensions: { a: { b: [1, 'ü', null] } } };
      let record = await claimed(paymentClaim({ state: 'settling' }));
      record = await moved(record, { to: 'unknown', reason: 'timeout' });
      record = await moved(record, { to: 'undelivered', settlement });
      for (const to of ['delivering', 'undelivered', 'delivering', 'delivered'] as const) {
        record = await moved(record, { to });
        expect(record.settlement).toEqual(settlement);
      }
      expect((await scene.ledger.find(record.key))?.settlement).toEqual(settlement);
    });

    it('records when the settlement was first reported', async () => {
      let record = await claimed(paymentClaim({ state: 'settling' }));
      record = await moved(record, { to: 'unknown' });
      expect(record.settledAt).toBeUndefined();
      scene.now += 7;
      record = await moved(record, { to: 'undelivered', settlement: SETTLEMENT });
      scene.now += 7;
      for (const step of [{ to: 'delivering', settlement: SETTLEMENT }, { to: 'delivered' }] as const) {
        record = await moved(record, step);
        expect(record.settledAt).toBe(NOW + 7);
      }
      expect((await scene.ledger.find(record.key))?.settledAt).toBe(NOW + 7);
    });

    it('keeps what a step adds until another step changes it', async () => {
      const attempt = { transaction: SETTLEMENT.transaction, data: '{"raw":"0x02f8"}' };
      const second = { transaction: `0x${'cd'.repeat(32)}`, data: '' };
      let record = await claimed(paymentClaim({ state: 'forwarding' }));
      record = await moved(record, { to: 'settling', attempt, bodyDigest: 'b'.repeat(64) });
      record = await moved(record, { to: 'unknown', reason: 'timeout', checkAt: NOW + 5000 });
      expect(record).toMatchObject({ attempt, bodyDigest: 'b'.repeat(64), checkAt: NOW + 5000, checks: 0 });
      record = await moved(record, { to: 'unknown', attempt: second });
      expect(record).toMatchObject({ attempt: second, bodyDigest: 'b'.repeat(64), checkAt: NOW + 5000 });
      expect(await scene.ledger.find(record.key)).toEqual(record);
    });

    it('keeps the evidence until the payment is delivered, and forgets it then', async () => {
      const { evidence } = paymentClaim();
      let record = await claimed(paymentClaim({ state: 'settling' }));
      for (const to of ['unknown', 'undelivered', 'delivering'] as const) {
        record = await moved(record, stepTo(to));
        expect(record.evidence).toBe(evidence);
      }
      record = await moved(record, { to: 'delivered' });
      expect((await scene.ledger.find(record.key))?.evidence).toBeUndefined();
    });

    it('keeps the evidence of a delivered payment that is to be checked again', async () => {
      let record = await broughtTo('delivering');
      record = await moved(record, { to: 'delivered', checkAt: NOW + 60_000 });
      expect((await scene.ledger.find(record.key))?.evidence).toBe(paymentClaim().evidence);
    });

    it('remembers through all later steps that the answer was sent', async () => {
      let record = await broughtTo('owed');
      expect(record.answered).toBe(false);
      record = await moved(record, { to: 'owed', answered: true });
      for (const to of ['settling', 'unknown', 'delivered'] as const) record = await moved(record, stepTo(to));
      expect((await scene.ledger.find(record.key))?.answered).toBe(true);
    });

    it('records the facilitator that a step names, and keeps it', async () => {
      const attempt = { transaction: '', data: 'as the second one asks' };
      let record = await moved(await claimed(), { to: 'settling', attempt, facilitator: 'second' });
      expect(record.facilitator).toBe('second');
      record = await moved(record, { to: 'unknown' });
      expect(await scene.ledger.find(record.key)).toMatchObject({ facilitator: 'second', attempt });
    });

    it('keeps the amount that was first asked for, until the payment is claimed anew', async () => {
      let record = await claimed(paymentClaim({ state: 'settling' }));
      expect(record.asked).toBeUndefined();
      record = await moved(record, { to: 'settling', asked: 7_000n as Amount });
      record = await moved(record, { to: 'settling', asked: 9_000n as Amount });
      expect((await scene.ledger.find(record.key))?.asked).toBe(7_000n);
      await moved(record, { to: 'failed' });
      expect((await claimed()).asked).toBeUndefined();
    });

    it('keeps the usage of the charge as it was first written, until the payment is claimed anew', async () => {
      let record = await moved(await claimed(), { to: 'uncharged' });
      record = await moved(record, { to: 'owed', asked: 7_000n as Amount, usage: '{"meter":"openai"}' });
      record = await moved(record, { to: 'settling', usage: '{"meter":"another"}' });
      expect((await scene.ledger.find(record.key))?.usage).toBe('{"meter":"openai"}');
      await moved(record, { to: 'failed' });
      expect((await claimed()).usage).toBeUndefined();
    });

    it('keeps the reason of the last step only', async () => {
      let record = await claimed(paymentClaim({ state: 'settling' }));
      record = await moved(record, { to: 'unknown', reason: 'timeout' });
      expect(record.reason).toBe('timeout');
      record = await moved(record, { to: 'undelivered', settlement: SETTLEMENT });
      expect((await scene.ledger.find(record.key))?.reason).toBeUndefined();
    });
  });
}
