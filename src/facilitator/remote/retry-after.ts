/** Longest wait that buyers are told, in seconds: a longer one is a mistake of the facilitator, or malice. */
const MAX_SECONDS = 300;

/**
 * Reads a `Retry-After` header: seconds or an HTTP date (RFC 9110 §10.2.3).
 *
 * @param now Unix milliseconds.
 * @returns Whole seconds from 1 to {@link MAX_SECONDS}, or `undefined` when there is nothing readable.
 */
export function readRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const seconds = /^\d{1,10}$/.test(header) ? Number(header) : Math.ceil((httpDate(header) - now) / 1000);
  return Number.isNaN(seconds) ? undefined : Math.min(Math.max(seconds, 1), MAX_SECONDS);
}

/** Only the form that servers must send: `Date.parse` alone would read almost anything, `"-1"` too. */
function httpDate(text: string): number {
  return /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text) ? Date.parse(text) : Number.NaN;
}
