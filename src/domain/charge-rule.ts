import { conditionText, type When } from './when.ts';

/** Statuses from `from` to `to`, both included. */
export interface StatusRange {
  readonly from: number;
  readonly to: number;
}

/**
 * The answers of the API that are charged. With `settle: after` and `deferred` the money moves after the answer's head,
 * and other answers are not charged. With `settle: before` they leave the payment valid for the same request.
 */
export interface ChargeRule {
  readonly statuses: readonly StatusRange[];
  /**
   * Conditions of the answer's JSON body. If all hold, the call failed: such an answer is not charged, whatever its
   * status. Empty: the status alone decides. Only with `settle: after`.
   */
  readonly unlessJson: When;
}

/**
 * Success only. A redirect gives the buyer nothing yet, and a client follows it with the payment that was just spent; a
 * 304 says that the buyer has the answer already.
 */
export const CHARGE_SUCCESS: ChargeRule = { statuses: [{ from: 200, to: 299 }], unlessJson: [] };

/** Whether an answer of this status is charged, as far as its status tells. */
export function isCharged({ statuses }: Pick<ChargeRule, 'statuses'>, status: number): boolean {
  return statuses.some(({ from, to }) => from <= status && status <= to);
}

/** Reads `2xx` or `302`. A status of 500 and above is the API's failure, which is never charged. */
export function parseStatusRange(text: string): StatusRange | undefined {
  if (!/^[234](?:xx|\d\d)$/.test(text)) return undefined;
  if (!text.endsWith('xx')) return { from: Number(text), to: Number(text) };
  const from = Number(text[0]) * 100;
  return { from, to: from + 99 };
}

/** A rule in a few words: `2xx, 302`, or `2xx, unless /error is present`. */
export function chargeText({ statuses, unlessJson }: ChargeRule): string {
  const listed = statuses.map(({ from, to }) => (from === to ? String(from) : `${from / 100}xx`)).join(', ');
  return unlessJson.length === 0 ? listed : `${listed}, unless ${unlessJson.map(conditionText).join(' and ')}`;
}
