import { describe, expect, it } from 'vitest';
import type { KeptAnswer } from '../../src/store/answers.ts';
import { type LedgerScene, NOW, paymentClaim, SETTLEMENT } from './ledger-scene.ts';

/** Kept answers and quotes. */
export function memoContract(scene: LedgerScene): void {
  describe('keeping answers', () => {
    const answer: KeptAnswer = {
      status: 207,
      statusText: 'Multi-Status ü',
      headers: ['content-type', 'application/octet-stream', 'set-cookie', 'a=1', 'set-cookie', 'b="ü"'],
      body: Uint8Array.from({ length: 70_000 }, (_, index) => index % 256),
      requestId: 'request',
      requestDigest: 'e'.repeat(64),
    };

    it('returns an answer as it was kept', async () => {
      const { key } = await scene.claimed();
      await scene.ledger.keep(key, answer);
      expect(await scene.ledger.recall(key)).toEqual(answer);
    });

    it('keeps only the last answer of a payment', async () => {
      const { key } = await scene.claimed();
      await scene.ledger.keep(key, answer);
      const second = { ...answer, status: 200, body: new Uint8Array(), headers: [] };
      await scene.ledger.keep(key, second);
      expect(await scene.ledger.recall(key)).toEqual(second);
    });

    it('returns nothing for a payment without an answer', async () => {
      const { key } = await scene.claimed();
      const other = await scene.claimed(paymentClaim({ name: 'other' }));
      await scene.ledger.keep(other.key, answer);
      expect(await scene.ledger.recall(key)).toBeUndefined();
    });

    it('counts the bytes of all kept answers', async () => {
      expect(await scene.ledger.countKept()).toBe(0);
      const one = await scene.claimed();
      const two = await scene.claimed(paymentClaim({ name: 'two' }));
      await scene.ledger.keep(one.key, answer);
      await scene.ledger.keep(two.key, { ...answer, body: new Uint8Array(5) });
      expect(await scene.ledger.countKept()).toBe(70_005);
      await scene.ledger.keep(one.key, { ...answer, body: new Uint8Array(1) });
      expect(await scene.ledger.countKept()).toBe(6);
    });

    it.each(['released', 'failed', 'defaulted'] as const)('ends with the step to %s', async (state) => {
      const record = await scene.claimed();
      const other = await scene.claimed(paymentClaim({ name: 'other' }));
      for (const { key } of [record, other]) await scene.ledger.keep(key, answer);
      const held = state === 'released' ? record : await scene.moved(record, { to: 'settling' });
      expect(await scene.ledger.transition(record.key, held.epoch + 7, { to: state })).toMatchObject({ kind: 'stale' });
      expect(await scene.ledger.recall(record.key)).toEqual(answer);
      await scene.moved(held, { to: state });
      expect(await scene.ledger.recall(record.key)).toBeUndefined();
      expect(await scene.ledger.recall(other.key)).toEqual(answer);
    });

    it('ends when the answer can no longer be collected, and not before', async () => {
      const settled = await scene.moved(await scene.claimed(), { to: 'settling' });
      const open = await scene.moved(await scene.claimed(paymentClaim({ name: 'open' })), { to: 'settling' });
      for (const { key } of [settled, open]) await scene.ledger.keep(key, answer);
      scene.now += 1000;
      await scene.moved(settled, { to: 'delivering', settlement: SETTLEMENT });
      // The answer is old enough, but its payment settled only now.
      expect(await scene.ledger.forgetAnswers(NOW + 1000, 10)).toBe(0);
      expect(await scene.ledger.forgetAnswers(NOW + 1001, 10)).toBe(0);
      const delivering = await scene.ledger.find(settled.key);
      if (delivering !== undefined) await scene.moved(delivering, { to: 'delivered' });
      expect(await scene.ledger.forgetAnswers(NOW + 1000, 10)).toBe(0);
      expect(await scene.ledger.forgetAnswers(NOW + 1001, 10)).toBe(1);
      expect(await scene.ledger.recall(settled.key)).toBeUndefined();
      expect(await scene.ledger.recall(open.key)).toEqual(answer);
    });

    it('keeps a copy of the bytes when the buffer changes later', async () => {
      const { key } = await scene.claimed();
      const pool = new Uint8Array([9, 1, 2, 3, 9]);
      await scene.ledger.keep(key, { ...answer, body: pool.subarray(1, 4) });
      pool.fill(0);
      expect((await scene.ledger.recall(key))?.body).toEqual(new Uint8Array([1, 2, 3]));
    });
  });

  describe('remembering quotes', () => {
    const quote = (offer: string, route = 'weather') => ({ route, offer });

    it('returns each quote once, with the last time it was in force', async () => {
      await scene.ledger.rememberQuotes([quote('{"a":1}'), quote('{"a":2}'), quote('{"a":1}')], NOW);
      await scene.ledger.rememberQuotes([quote('{"a":1}'), quote('{"a":1}', 'other')], NOW + 5);
      const quotes = await scene.ledger.recallQuotes(NOW);
      expect(quotes).toHaveLength(3);
      expect(quotes).toEqual(
        expect.arrayContaining([
          { ...quote('{"a":1}'), seenAt: NOW + 5 },
          { ...quote('{"a":2}'), seenAt: NOW },
          { ...quote('{"a":1}', 'other'), seenAt: NOW + 5 },
        ]),
      );
    });

    it('does not set the time back for a process whose clock is behind', async () => {
      await scene.ledger.rememberQuotes([quote('{}')], NOW);
      await scene.ledger.rememberQuotes([quote('{}')], NOW - 5);
      expect(await scene.ledger.recallQuotes(0)).toEqual([{ ...quote('{}'), seenAt: NOW }]);
    });

    it('deletes quotes that were last in force before the requested time', async () => {
      await scene.ledger.rememberQuotes([quote('old')], NOW);
      await scene.ledger.rememberQuotes([quote('new')], NOW + 1);
      expect((await scene.ledger.recallQuotes(NOW + 1)).map(({ offer }) => offer)).toEqual(['new']);
      expect((await scene.ledger.recallQuotes(0)).map(({ offer }) => offer)).toEqual(['new']);
    });

    it('takes a whole price table, long offers too, from several processes at once', async () => {
      const table = Array.from({ length: 350 }, (_, index) => quote(`${index}${'x'.repeat(4000)}`, `route-${index}`));
      const other = await scene.another();
      await Promise.all([
        scene.ledger.rememberQuotes(table, NOW),
        other.rememberQuotes(table.toReversed(), NOW),
        scene.ledger.rememberQuotes([], NOW),
      ]);
      expect(await scene.ledger.recallQuotes(NOW)).toHaveLength(350);
    });
  });
}
