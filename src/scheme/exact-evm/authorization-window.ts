/**
 * Seconds that an authorization must still be good for: settling takes a block or two, and one that runs out on the
 * way costs gas and leaves the buyer unserved. The official facilitator asks for the same.
 */
export const SETTLEMENT_MARGIN_SECONDS = 6n;

/**
 * Seconds that an authorization may outlive its time limit, for clients whose clock runs ahead. Without a
 * bound, a client could choose how long replay protection must be kept.
 */
const CLOCK_SLACK_SECONDS = 600n;

/** Where `now` is in relation to an authorization's time window. */
export type WindowCheck = 'inside' | 'not_yet' | 'ending' | 'too_long';

/** Checks a time window, all in Unix seconds. @param longestSeconds how long it may last, besides the slack for clocks */
export function checkWindow(after: bigint, before: bigint, now: number, longestSeconds: number): WindowCheck {
  const time = BigInt(Math.floor(now));
  if (before < time + SETTLEMENT_MARGIN_SECONDS) return 'ending';
  if (after > time) return 'not_yet';
  return before > time + BigInt(longestSeconds) + CLOCK_SLACK_SECONDS ? 'too_long' : 'inside';
}
