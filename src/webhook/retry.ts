/** How long an event is tried for, in milliseconds. */
export const TRIED_FOR_MS = 3 * 24 * 3_600_000;
const FIRST_WAIT_MS = 5_000;
const LONGEST_WAIT_MS = 3_600_000;
/** The random part of a wait: a receiver that comes back must not get all messages at once. */
const JITTER = 0.4;

/**
 * The time of the next attempt to deliver an event; `undefined` when it is given up. The waits are 5 s, 10 s, 20 s and
 * so on up to an hour, each up to a fifth shorter or longer, for three days.
 *
 * @param attempt how often it was tried, at least 1
 * @param createdAt Unix milliseconds of the event
 * @param random from 0 up to 1
 * @returns Unix milliseconds
 */
export function nextAttemptAt(attempt: number, createdAt: number, now: number, random: number): number | undefined {
  const wait = Math.min(FIRST_WAIT_MS * 2 ** Math.min(attempt - 1, 20), LONGEST_WAIT_MS);
  const at = now + Math.round(wait * (1 - JITTER / 2 + JITTER * random));
  return at > createdAt + TRIED_FOR_MS ? undefined : at;
}
