import { describe, expect, it } from 'vitest';
import { runMeteredCrash } from '../crash/metered.ts';
import { findMeteredViolations } from '../crash/metered-invariants.ts';

/** Killed processes count as gone after 15 s, which nothing can hasten. */
const LONGEST_RUN_MS = 480_000;

describe.concurrent('A gateway that is killed in the middle of metered calls, streams and balances', () => {
  it.each([1, 2])(
    'charges what was written down, once, and its books are those of the chain (seed %i)',
    async (seed) => {
      const evidence = await runMeteredCrash({ seed, kills: 2, store: 'sqlite' });
      expect(findMeteredViolations(evidence)).toEqual([]);
      // A run in which nothing was sold, or nothing was cut off by a kill, would prove nothing.
      expect(evidence.finished.filter(({ kind }) => kind === 'payment').length).toBeGreaterThan(0);
      expect(evidence.finished.filter(({ kind }) => kind === 'balance').length).toBeGreaterThan(0);
      expect(evidence.cut).toBeGreaterThan(0);
    },
    LONGEST_RUN_MS,
  );
});
