import type { HrTime } from '@opentelemetry/api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SpanClock } from '../../../../src/observe/tracing/span-clock.ts';

/** 14 November 2023, in milliseconds. */
const EPOCH = 1_700_000_000_000;

function nanoseconds([seconds, rest]: HrTime): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(rest);
}

/** A machine on which `elapsed` milliseconds have passed, whose wall clock cuts fractions off and was set by `step`. */
function machine() {
  const state = { elapsed: 0, step: 0 };
  const clock = new SpanClock({
    wall: () => Math.floor(EPOCH + 0.4 + state.elapsed + state.step),
    monotonic: () => state.elapsed,
  });
  return { state, clock };
}

describe('the times of spans', () => {
  it('follow one another within a millisecond', () => {
    const { state, clock } = machine();
    const time = clock.forRequest();
    const seen = [0, 0.000_1, 0.25, 0.250_001, 0.9].map((elapsed) => {
      state.elapsed = elapsed;
      return nanoseconds(time());
    });
    expect(seen.map((moment) => Number(moment - (seen[0] ?? 0n)))).toEqual([0, 100, 250_000, 250_001, 900_000]);
  });

  it('stay within a millisecond of the wall clock, whole in their parts, and in order', () => {
    const steps = fc.array(fc.double({ min: 0.000_001, max: 5_000, noNaN: true }), { minLength: 2, maxLength: 40 });
    fc.assert(
      fc.property(steps, (passing) => {
        const { state, clock } = machine();
        const time = clock.forRequest();
        let before = 0n;
        for (const step of passing) {
          state.elapsed += step;
          const moment = time();
          expect(moment.every(Number.isInteger)).toBe(true);
          expect(moment[1]).toBeLessThan(1_000_000_000);
          expect(nanoseconds(moment)).toBeGreaterThanOrEqual(before);
          expect(Math.abs(moment[0] * 1_000 + moment[1] / 1_000_000 - (EPOCH + 0.4 + state.elapsed))).toBeLessThan(
            1.001,
          );
          before = nanoseconds(moment);
        }
      }),
    );
  });

  it.each([-3_600_000, 3_600_000])('follow a wall clock that was set by %d ms, from the next request on', (step) => {
    const { state, clock } = machine();
    const running = clock.forRequest();
    const began = nanoseconds(running());
    state.step = step;
    state.elapsed = 5;
    expect(nanoseconds(running()) - began).toBe(5_000_000n);
    const moved = Number(nanoseconds(clock.forRequest()()) - began) / 1_000_000;
    expect(Math.abs(moved - 5 - step)).toBeLessThan(1.001);
  });
});
