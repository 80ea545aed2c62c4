import { describe, expect, it } from 'vitest';
import type { Pass, PassId } from '../../src/domain/pass.ts';
import type { LeaseOutcome, LeaseRequest, PassStore } from '../../src/store/passes.ts';
import { type LedgerScene, NOW } from './ledger-scene.ts';
import { HOUR_MS, sale } from './pass-sale.ts';

/** Requests of passes, lent to processes. */
export function quotasContract(scene: LedgerScene): void {
  const bought = (requests = 100): Promise<Pass> => scene.ledger.passes.grant(sale({ requests }), scene.now);
  const lease = (id: PassId, request: Partial<LeaseRequest>): Promise<LeaseOutcome> =>
    scene.ledger.passes.lease(id, { want: 0, spent: 0, returned: 0, ...request }, scene.now);
  const quotaOf = async (id: PassId) => (await scene.ledger.passes.findPass(id))?.quota;
  const leased = (granted: number, left: number, lent: number) => ({
    kind: 'leased',
    granted,
    left,
    lent,
    expiresAt: NOW + HOUR_MS,
  });

  describe('lending requests', () => {
    it('lends the wanted number while enough is left, and then the rest', async () => {
      const { id } = await bought(10);
      expect(await lease(id, { want: 4 })).toEqual(leased(4, 6, 4));
      expect(await lease(id, { want: 7 })).toEqual(leased(6, 0, 10));
      expect(await lease(id, { want: 1 })).toEqual(leased(0, 0, 10));
      expect(await quotaOf(id)).toEqual({ bought: 10, available: 0, lent: 10 });
    });

    it('books spent and returned requests before it lends', async () => {
      const { id } = await bought(10);
      await lease(id, { want: 10 });
      expect(await lease(id, { spent: 3, returned: 4, want: 1 })).toEqual(leased(1, 3, 4));
      expect(await lease(id, { spent: 4 })).toEqual(leased(0, 3, 0));
      expect(await quotaOf(id)).toEqual({ bought: 10, available: 3, lent: 0 });
    });

    it('takes back a unit that was booked as spent', async () => {
      const { id } = await bought(10);
      await lease(id, { want: 2 });
      await lease(id, { spent: 2 });
      expect(await lease(id, { spent: -1, returned: 1 })).toEqual(leased(0, 9, 0));
    });

    it.each([
      ['more spent than lent', { spent: 3 }],
      ['more returned than lent', { returned: 3 }],
      ['more in all than lent', { spent: 1, returned: 2, want: 1 }],
      ['more taken back than spent', { spent: -2, returned: 2 }],
    ])('refuses to book %s, and changes nothing', async (_, request) => {
      const { id } = await bought(10);
      await lease(id, { want: 3 });
      await lease(id, { spent: 1 });
      await expect(lease(id, request)).rejects.toThrow(/more than was lent/);
      expect(await quotaOf(id)).toEqual({ bought: 10, available: 7, lent: 2 });
    });

    it('lends the requests of an extension', async () => {
      const { id } = await bought(2);
      await lease(id, { want: 2 });
      await scene.ledger.passes.grant(sale({ payment: 'two', requests: 3 }), scene.now);
      expect(await lease(id, { want: 5 })).toMatchObject({
        granted: 3,
        left: 0,
        lent: 5,
        expiresAt: NOW + 2 * HOUR_MS,
      });
    });

    it('hands out exactly what was bought to twelve processes that ask at once', async () => {
      const { id } = await bought(1000);
      const stores: PassStore[] = [scene.ledger.passes, (await scene.another()).passes];
      const work = async (store: PassStore): Promise<number> => {
        let served = 0;
        for (let spent = 0; ; ) {
          const outcome = await store.lease(id, { want: 17, spent, returned: 0 }, NOW);
          if (outcome.kind !== 'leased' || outcome.granted === 0) return served;
          spent = outcome.granted;
          served += spent;
        }
      };
      const served = await Promise.all(Array.from({ length: 12 }, (_, index) => work(stores[index % 2]!)));
      expect(served.reduce((sum, each) => sum + each)).toBe(1000);
      expect(await quotaOf(id)).toEqual({ bought: 1000, available: 0, lent: 0 });
    });

    it('lends nothing of a pass that expired or was revoked, and still books what comes back', async () => {
      const { id } = await bought(10);
      await lease(id, { want: 10 });
      scene.now += HOUR_MS - 1;
      expect(await lease(id, { spent: 1, want: 0 })).toMatchObject({ kind: 'leased' });
      scene.now += 1;
      expect(await lease(id, { returned: 2, want: 2 })).toEqual({ kind: 'gone', why: 'expired' });
      await scene.ledger.passes.revokePass(id, scene.now);
      expect(await lease(id, { spent: 3, returned: 2, want: 2 })).toEqual({ kind: 'gone', why: 'revoked' });
      expect(await quotaOf(id)).toEqual({ bought: 10, available: 4, lent: 2 });
    });

    it('says when there is no such pass', async () => {
      await bought();
      expect(await lease('A'.repeat(22) as PassId, { want: 1 })).toEqual({ kind: 'gone', why: 'unknown' });
    });

    it('lends any number of requests of a pass with only a time limit', async () => {
      const { id } = await scene.ledger.passes.grant(sale({ requests: undefined }), NOW);
      expect(await lease(id, { want: 7 })).toEqual(leased(7, 0, 0));
      expect(await lease(id, { want: 3, spent: 7 })).toEqual(leased(3, 0, 0));
      scene.now += HOUR_MS;
      expect(await lease(id, { want: 1 })).toEqual({ kind: 'gone', why: 'expired' });
    });

    it('keeps correct counts of a pass while it is extended, spent and returned at once', async () => {
      const { id } = await bought(50);
      const stores: PassStore[] = [scene.ledger.passes, (await scene.another()).passes];
      const spenders = Array.from({ length: 8 }, async (_, index) => {
        const store = stores[index % 2]!;
        let spentInAll = 0;
        for (let round = 0; round < 5; round += 1) {
          const outcome = await store.lease(id, { want: 4, spent: 0, returned: 0 }, NOW);
          if (outcome.kind !== 'leased') throw new Error('the pass is gone');
          const spent = Math.min(outcome.granted, round % 3);
          spentInAll += spent;
          await store.lease(id, { want: 0, spent, returned: outcome.granted - spent }, NOW);
        }
        return spentInAll;
      });
      const grants = Array.from({ length: 4 }, (_, index) =>
        stores[index % 2]!.grant(sale({ payment: `more-${index}`, requests: 10 }), NOW),
      );
      const spent = (await Promise.all(spenders)).reduce((sum, each) => sum + each);
      await Promise.all(grants);
      expect(await quotaOf(id)).toEqual({ bought: 90, available: 90 - spent, lent: 0 });
    });
  });
}
