import { expect, it } from 'vitest';
import { runFuzz } from '../fuzz/fuzz.ts';
import { reportOf } from '../fuzz/report.ts';

/*
 * The fuzzing of `npm run fuzz`, shortened: the same cases each time.
 */

const TERMS = { seed: 7, ms: 8000, progress: () => {} } as const;
const LONGEST_RUN_MS = 120_000;

it.skipIf(process.platform !== 'linux')(
  'serves honest clients and sells nothing for nothing while hostile requests are thrown at it',
  async () => {
    const result = await runFuzz({ ...TERMS, store: 'sqlite' });
    expect(result.violations.counts.size, reportOf(result)).toBe(0);
    // A run in which nothing was thrown, sold or refused would prove nothing.
    const { drawn, mutated, tunnel } = result.cases;
    expect(Math.min(drawn, mutated, tunnel)).toBeGreaterThan(0);
    expect(result.calls.paid).toBeGreaterThan(0);
    expect(Math.min(...['200', '400', '402'].map((status) => result.statuses[status] ?? 0))).toBeGreaterThan(0);
    expect(Math.min(...Object.values(result.honest.counts))).toBeGreaterThan(0);
  },
  LONGEST_RUN_MS,
);
