import { describe, expect, it } from 'vitest';
import { Sparing } from '../../../src/recovery/sparing.ts';

/** Which of ten rounds have a look, with so many payments open. */
function turnsOf(open: number): string {
  const sparing = new Sparing();
  return Array.from({ length: 12 }, () => (sparing.isTurn(open) ? 'x' : '-')).join('');
}

describe('looks through all open payments', () => {
  it('are made in each round while they are few, and seldom when they are many, each tenth round at least', () => {
    expect(turnsOf(0)).toBe('xxxxxxxxxxxx');
    expect(turnsOf(24_999)).toBe('xxxxxxxxxxxx');
    expect(turnsOf(50_000)).toBe('--x--x--x--x');
    expect(turnsOf(10_000_000)).toBe('---------x--');
  });

  it('go on at once where there may be more', () => {
    const sparing = new Sparing();
    sparing.goOn();
    expect(sparing.isTurn(10_000_000)).toBe(true);
    expect(sparing.isTurn(10_000_000)).toBe(false);
  });
});
