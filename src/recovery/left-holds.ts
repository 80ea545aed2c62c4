import type { Balances } from '../store/balances.ts';

/** Holds released in one round. */
const RELEASED_AT_ONCE = 500;

/**
 * Releases in full the holds of calls whose process is gone: none of these calls got the end of its answer, and its
 * cost is not known. However many processes do this at once, each hold is given back once.
 *
 * @param now Unix milliseconds
 * @param living the time by which processes count as gone, in Unix milliseconds
 * @returns whether there may be more
 */
export async function releaseLeftHolds(
  balances: Pick<Balances, 'holdsLeft' | 'draw'>,
  now: number,
  living: number,
): Promise<boolean> {
  const left = await balances.holdsLeft(living, RELEASED_AT_ONCE);
  for (const id of left) await balances.draw(id, { charge: 0 }, now);
  return left.length === RELEASED_AT_ONCE;
}
