import { describe, expect, it } from 'vitest';
import { SteadyClock } from '../../../src/recovery/steady-clock.ts';

const BEGIN = 1_800_000_000_000;
const MINUTE = 60_000;

/** A steady clock over a wall clock and a stopwatch that are moved by hand. */
function scene() {
  const time = { wall: BEGIN, passed: 0 };
  const steady = new SteadyClock(
    () => time.wall,
    () => time.passed,
  );
  const pass = (ms: number, jump = 0): number => {
    time.passed += ms;
    time.wall += ms + jump;
    return steady.now() - BEGIN;
  };
  return { pass, steady };
}

describe('the clock by which things are forgotten', () => {
  it('follows the wall clock while that runs normally', () => {
    const { pass } = scene();
    expect(pass(1000)).toBe(1000);
    expect(pass(90 * MINUTE)).toBe(1000 + 90 * MINUTE);
    // A small correction, as clocks get it.
    expect(pass(1000, 300)).toBe(90 * MINUTE + 2300);
    expect(pass(1000, -300)).toBe(90 * MINUTE + 3000);
  });

  it('does not follow a jump ahead, and goes on when the clock has come back', () => {
    const { pass } = scene();
    expect(pass(1000, 20 * MINUTE)).toBe(1000);
    expect(pass(5 * MINUTE)).toBe(1000 + 5 * MINUTE);
    expect(pass(1000, -20 * MINUTE)).toBe(2000 + 5 * MINUTE);
    expect(pass(1000)).toBe(3000 + 5 * MINUTE);
  });

  it('goes back with the wall clock at once', () => {
    const { pass } = scene();
    expect(pass(1000, -60 * MINUTE)).toBe(1000 - 60 * MINUTE);
    // And is not ahead of time when that was the jump.
    expect(pass(1000, 60 * MINUTE)).toBe(2000 - 60 * MINUTE);
  });

  it('follows a jump ahead that has lasted for an hour', () => {
    const { pass } = scene();
    expect(pass(1000, 100 * MINUTE)).toBe(1000);
    for (let minute = 0; minute < 59; minute += 1) pass(MINUTE);
    expect(pass(1000)).toBe(59 * MINUTE + 2000);
    expect(pass(MINUTE)).toBe(160 * MINUTE + 2000);
    expect(pass(1000)).toBe(160 * MINUTE + 3000);
  });

  it('waits for an hour where it begins more than a day ahead of what was known before', () => {
    const { pass, steady } = scene();
    const known = -2 * 24 * 60 * MINUTE;
    steady.beginAfter(BEGIN + known);
    expect(pass(1000)).toBe(known + 1000);
    // It is corrected, and is still ahead of what was known.
    expect(pass(1000, -24 * 60 * MINUTE)).toBe(known + 2000);
    for (let minute = 0; minute < 60; minute += 1) pass(MINUTE);
    expect(pass(1000)).toBe(-24 * 60 * MINUTE + 60 * MINUTE + 3000);
  });

  it('follows at once where it begins less than a day ahead', () => {
    const { pass, steady } = scene();
    steady.beginAfter(BEGIN - 23 * 60 * MINUTE);
    expect(pass(1000)).toBe(1000);
  });
});
