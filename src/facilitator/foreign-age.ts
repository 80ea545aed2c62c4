/**
 * Longest age of a foreign transfer that is looked for, in seconds, however long the offer holds: it bounds the search, on
 * chains with fast blocks too.
 */
const LONGEST_SECONDS = 900;

/** Age in seconds above which a transfer by somebody else does not pay for an offer that holds this long. */
export function foreignAgeLimit(maxTimeoutSeconds: number): number {
  return Math.min(maxTimeoutSeconds, LONGEST_SECONDS);
}
