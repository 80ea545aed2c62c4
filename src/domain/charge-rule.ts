/** Statuses from `from` to `to`, both included. */
export interface StatusRange {
  readonly from: number;
  readonly to: number;
}

/**
 * Which answers of the API are what was sold. The others are not charged where the money moves after the answer's head,
 * `settle: after` and `deferred`; with `settle: before` they leave the payment good for the same request.
 */
export interface ChargeRule {
  readonly statuses: readonly StatusRange[];
}

/**
 * Success only. A redirect gives the buyer nothing yet, and a client follows it with the payment that was just spent; a
 * 304 says that the buyer has the answer already.
 */
export const CHARGE_SUCCESS: ChargeRule = { statuses: [{ from: 200, to: 299 }] };

/** Whether an answer of this status is charged. */
export function isCharged({ statuses }: ChargeRule, status: number): boolean {
  return statuses.some(({ from, to }) => from <= status && status <= to);
}

/** Reads `2xx` or `302`. A status of 500 and above is the API's failure, which nobody pays for. */
export function parseStatusRange(text: string): StatusRange | undefined {
  if (!/^[234](?:xx|\d\d)$/.test(text)) return undefined;
  if (!text.endsWith('xx')) return { from: Number(text), to: Number(text) };
  const from = Number(text[0]) * 100;
  return { from, to: from + 99 };
}

/** A rule as the file writes it: `2xx, 302`. */
export function chargeText({ statuses }: ChargeRule): string {
  return statuses.map(({ from, to }) => (from === to ? String(from) : `${from / 100}xx`)).join(', ');
}
