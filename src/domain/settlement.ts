import { type Amount, NOTHING } from './amount.ts';
import type { JsonObject } from './x402.ts';

/**
 * Money that moved, exactly the amount that was asked for: proved on chain by the `local` facilitator, or stated in
 * full by a remote one.
 */
export interface Settlement {
  /** Transaction hash; empty where nothing was to be moved. One transaction may hold several settlements: it is no key. */
  readonly transaction: string;
  readonly payer: string;
  readonly amount: Amount;
  readonly extensions?: JsonObject;
}

/**
 * The result of asking for a settlement.
 *
 * - `settled`: the money moved.
 * - `failed`: it did not move, and nothing that was sent can still move it.
 * - `unknown`: it may have moved. The payment stays claimed until there is proof; a new offer would charge the buyer
 *   twice.
 */
export type SettlementOutcome =
  | { readonly kind: 'settled'; readonly settlement: Settlement }
  | { readonly kind: 'failed'; readonly reason: string; readonly transaction?: string }
  | { readonly kind: 'unknown'; readonly reason: string; readonly transaction?: string };

/**
 * The settlement of nothing: payments of a maximum of which nothing was used. No transaction is sent, and no facilitator is
 * asked.
 */
export function nothingMoved(payer: string): SettlementOutcome {
  return { kind: 'settled', settlement: { transaction: '', payer, amount: NOTHING } };
}

/**
 * The outcome for a caller that asked for `amount`: a settlement of another amount is in doubt, since it proves neither
 * that this was paid nor that it was not.
 */
export function outcomeFor(amount: Amount, outcome: SettlementOutcome): SettlementOutcome {
  if (outcome.kind !== 'settled' || outcome.settlement.amount === amount) return outcome;
  const { transaction } = outcome.settlement;
  return { kind: 'unknown', reason: 'settlement_amount_mismatch', transaction };
}
