import { expect, it } from 'vitest';
import { fuzzBodies } from '../fuzz/bodies/fuzz.ts';

/*
 * The fuzzing of `npm run fuzz:bodies`, shortened: the same bodies each time.
 */

const TERMS = { seed: 11, ms: 5_000, progress: () => {} } as const;
const LONGEST_RUN_MS = 120_000;

it(
  'the gateway lets no body through that a JSON reader takes for a dearer request',
  async () => {
    const { cases, statuses, violations } = await fuzzBodies(TERMS);
    expect(violations).toEqual([]);
    // A run in which nothing was free, priced or refused would prove nothing.
    expect(cases).toBeGreaterThan(0);
    expect(Object.keys(statuses)).toEqual(expect.arrayContaining(['200', '400', '402']));
  },
  LONGEST_RUN_MS,
);
