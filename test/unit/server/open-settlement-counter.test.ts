import { describe, expect, it } from 'vitest';
import { OpenSettlementCounter } from '../../../src/server/open-settlement-counter.ts';
import type { OpenCount } from '../../../src/store/upkeep.ts';

const MANY: readonly OpenCount[] = [{ state: 'owed', count: 100_000, oldestAt: 5 }];

/** A count that takes so many milliseconds, whose answer a test sets, and what was shown: the counts, or nothing. */
function counterOf(took: number) {
  let [now, counted] = [0, 0];
  let answer: readonly OpenCount[] | undefined = MANY;
  const shown: (number | undefined)[] = [];
  const open = new OpenSettlementCounter({
    store: {
      countOpen: async () => {
        counted += 1;
        if (answer === undefined) throw new Error('away');
        now += took;
        return answer;
      },
    },
    metrics: { setOpenSettlements: (counts) => void shown.push(counts?.[0]?.count) },
    clock: () => 1_800_000_000_000,
    monotonic: () => now,
  });
  return {
    open,
    shown,
    counted: () => counted,
    answers: (next: readonly OpenCount[] | undefined) => {
      answer = next;
    },
    pass: (ms: number) => {
      now += ms;
    },
  };
}

describe('the count of open settlements', () => {
  it.each([
    [0, 20],
    [9, 20],
    [60, 4],
    [1000, 2],
  ])('that takes %i ms is made %i times in 20 seconds', async (took, times) => {
    const { open, counted, pass } = counterOf(took);
    for (let second = 0; second < 20; second += 1) {
      await open.count(true);
      pass(1000);
    }
    expect(counted()).toBe(times);
  });

  it('is not shown while the ledger cannot be read, and again as soon as it can', async () => {
    const { open, shown, answers, pass } = counterOf(60);
    await open.count(true);
    answers(undefined);
    pass(1000);
    await expect(open.count(false)).rejects.toThrow('away');
    answers(MANY);
    pass(1000);
    await open.count(true);
    expect(shown).toEqual([100_000, undefined, 100_000]);
  });
});
