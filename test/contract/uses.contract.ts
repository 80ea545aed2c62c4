import { describe, expect, it } from 'vitest';
import type { Uses, UseWindow } from '../../src/store/uses.ts';
import { type LedgerScene, NOW } from './ledger-scene.ts';

const DAY_MS = 86_400_000;
const WINDOW: UseWindow = { id: 'news client', startsAt: NOW, endsAt: NOW + DAY_MS };

/** A limited number of free uses. */
export function usesContract(scene: LedgerScene): void {
  const both = async (): Promise<readonly Uses[]> => [scene.ledger.uses, (await scene.another()).uses];

  const take = async (uses: Uses, most: number, window = WINDOW): Promise<number | undefined> => {
    const { granted, left } = await uses.takeUses(window, most, 1);
    return granted === 0 ? undefined : left;
  };

  describe('uses of a window', () => {
    it('are taken one by one, with the number that is left', async () => {
      const { uses } = scene.ledger;
      const taken = [];
      for (let count = 0; count < 4; count += 1) taken.push(await take(uses, 3));
      expect(taken).toEqual([2, 1, 0, undefined]);
    });

    it('are taken several at once, as many as there are', async () => {
      const { uses } = scene.ledger;
      expect(await uses.takeUses(WINDOW, 5, 3)).toEqual({ granted: 3, left: 2 });
      expect(await uses.takeUses(WINDOW, 5, 3)).toEqual({ granted: 2, left: 0 });
      expect(await uses.takeUses(WINDOW, 5, 3)).toEqual({ granted: 0, left: 0 });
      expect(await uses.takeUses({ ...WINDOW, id: 'greedy' }, 5, 9)).toEqual({ granted: 5, left: 0 });
    });

    it('are never more than the limit for fifty simultaneous calls over two connections', async () => {
      const stores = await both();
      const taken = await Promise.all(Array.from({ length: 50 }, (_, index) => take(stores[index % 2]!, 20)));
      const left = taken.filter((each) => each !== undefined).sort((a, b) => a - b);
      expect(left).toEqual(Array.from({ length: 20 }, (_, index) => index));
      expect(await take(scene.ledger.uses, 20)).toBeUndefined();
    });

    it('can be used again when they were given back, each once, and never more than were taken', async () => {
      const { uses } = scene.ledger;
      await uses.returnUse(WINDOW);
      for (let count = 0; count < 2; count += 1) await take(uses, 2);
      await Promise.all(Array.from({ length: 5 }, () => uses.returnUse(WINDOW)));
      expect([await take(uses, 2), await take(uses, 2)]).toEqual([1, 0]);
      expect(await take(uses, 2)).toBeUndefined();
    });

    it('are counted for each window and each client separately', async () => {
      const { uses } = scene.ledger;
      await take(uses, 1);
      expect(await take(uses, 1, { ...WINDOW, id: 'other' })).toBe(0);
      expect(await take(uses, 1, { ...WINDOW, startsAt: NOW + DAY_MS, endsAt: NOW + 2 * DAY_MS })).toBe(0);
      expect(await take(uses, 1)).toBeUndefined();
    });

    it('follow the current limit, whatever the limit was before', async () => {
      const { uses } = scene.ledger;
      for (let count = 0; count < 3; count += 1) await take(uses, 3);
      expect(await take(uses, 2)).toBeUndefined();
      expect(await take(uses, 5)).toBe(1);
    });

    it('are forgotten when the window is over, some at a time', async () => {
      const { uses } = scene.ledger;
      for (const id of ['a', 'b', 'c']) await take(uses, 1, { ...WINDOW, id });
      expect(await uses.pruneUses(WINDOW.endsAt, 10)).toBe(0);
      expect(await take(uses, 1, { ...WINDOW, id: 'a' })).toBeUndefined();
      expect([await uses.pruneUses(WINDOW.endsAt + 1, 2), await uses.pruneUses(WINDOW.endsAt + 1, 2)]).toEqual([2, 1]);
      expect(await take(uses, 1, { ...WINDOW, id: 'a' })).toBe(0);
    });
  });
}
