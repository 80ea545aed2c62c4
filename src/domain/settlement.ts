import type { Amount } from './amount.ts';
import type { JsonObject } from './x402.ts';

/** Money that moved: proved on chain by the `local` facilitator, or stated in full by a remote one. */
export interface Settlement {
  /** Transaction hash. One transaction may hold several settlements, so it is no key. */
  readonly transaction: string;
  readonly payer: string;
  readonly amount: Amount;
  readonly extensions?: JsonObject;
}

/**
 * What asking for a settlement came to.
 *
 * - `settled`: the money moved.
 * - `failed`: it definitely did not, and will not by what was done.
 * - `unknown`: it may have. The payment stays claimed until there is proof; a new offer would charge the buyer twice.
 */
export type SettlementOutcome =
  | { readonly kind: 'settled'; readonly settlement: Settlement }
  | { readonly kind: 'failed'; readonly reason: string; readonly transaction?: string }
  | { readonly kind: 'unknown'; readonly reason: string; readonly transaction?: string };
