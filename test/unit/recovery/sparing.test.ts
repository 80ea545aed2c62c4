import { describe, expect, it } from 'vitest';
import { Sparing } from '../../../src/recovery/sparing.ts';

/** In which of 20 seconds there is a turn, with so many settlements open. */
function turnsOf(open: number): readonly number[] {
  const sparing = new Sparing();
  return Array.from({ length: 20 }, (_, second) => second).filter((second) => sparing.takeTurn(open, second * 1000));
}

describe('turns of work that reads all open payments', () => {
  it('come each second while these are few, and seldom when they are many, after nine seconds at most', () => {
    expect(turnsOf(0)).toHaveLength(20);
    expect(turnsOf(49_999)).toHaveLength(20);
    expect(turnsOf(100_000)).toEqual([0, 4, 8, 12, 16]);
    expect(turnsOf(10_000_000)).toEqual([0, 9, 18]);
  });

  it('come at once where there may be something to be found', () => {
    const sparing = new Sparing();
    expect([1, 2, 3].map((ms) => sparing.takeTurn(100_000, ms))).toEqual([true, false, false]);
    sparing.hurry();
    expect([4, 5].map((ms) => sparing.takeTurn(100_000, ms))).toEqual([true, false]);
  });
});
