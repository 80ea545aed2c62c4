import { describe, expect, it } from 'vitest';
import type { KeptAnswer } from '../../src/store/answers.ts';
import { type LedgerScene, NOW, paymentClaim } from './ledger-scene.ts';

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

    it('gives an answer back as it was', async () => {
      const { key } = await scene.claimed();
      await scene.ledger.keep(key, answer);
      expect(await scene.ledger.recall(key)).toEqual(answer);
    });

    it('has the last answer of a payment only', async () => {
      const { key } = await scene.claimed();
      await scene.ledger.keep(key, answer);
      const second = { ...answer, status: 200, body: new Uint8Array(), headers: [] };
      await scene.ledger.keep(key, second);
      expect(await scene.ledger.recall(key)).toEqual(second);
    });

    it('has none of a payment without one', async () => {
      const { key } = await scene.claimed();
      const other = await scene.claimed(paymentClaim({ name: 'other' }));
      await scene.ledger.keep(other.key, answer);
      expect(await scene.ledger.recall(key)).toBeUndefined();
    });

    it('keeps the bytes that a buffer had, whatever becomes of it', async () => {
      const { key } = await scene.claimed();
      const pool = new Uint8Array([9, 1, 2, 3, 9]);
      await scene.ledger.keep(key, { ...answer, body: pool.subarray(1, 4) });
      pool.fill(0);
      expect((await scene.ledger.recall(key))?.body).toEqual(new Uint8Array([1, 2, 3]));
    });
  });

  describe('remembering quotes', () => {
    const quote = (offer: string, route = 'weather') => ({ route, offer });

    it('gives each once, with the last time it was in force', async () => {
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

    it('does not go back in time for a process whose clock is behind', async () => {
      await scene.ledger.rememberQuotes([quote('{}')], NOW);
      await scene.ledger.rememberQuotes([quote('{}')], NOW - 5);
      expect(await scene.ledger.recallQuotes(0)).toEqual([{ ...quote('{}'), seenAt: NOW }]);
    });

    it('forgets those that were last in force before the time that is asked for', async () => {
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
