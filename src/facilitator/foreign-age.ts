/**
 * Greatest age of a foreign transfer that is searched for, in seconds, however long the offer holds. It bounds the
 * search, also on chains with fast blocks.
 */
const LONGEST_SECONDS = 900;

/** Age in seconds above which a transfer by somebody else does not pay for an offer that holds this long. */
export function foreignAgeLimit(maxTimeoutSeconds: number): number {
  return Math.min(maxTimeoutSeconds, LONGEST_SECONDS);
}
