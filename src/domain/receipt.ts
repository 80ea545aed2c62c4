import type { Amount } from './amount.ts';
import type { Network } from './network.ts';
import type { JsonObject } from './x402.ts';

/**
 * The buyer's view of a settlement, in any protocol:
 *
 * - `settled`: the money moved.
 * - `promised`: the answer goes out on credit; nothing was broadcast yet.
 * - `failed`: the money did not move.
 */
export type Receipt = ReceiptFacts &
  (
    | {
        readonly kind: 'settled';
        readonly transaction: string;
        readonly amount: Amount;
        /** Unix milliseconds at which the ledger learned of it. */
        readonly settledAt: number;
        /** What facilitators and passes add, by the extension's key. */
        readonly extensions?: JsonObject;
      }
    | { readonly kind: 'promised'; readonly amount: Amount }
    | { readonly kind: 'failed'; readonly reason: string; readonly transaction: string | undefined }
  );

interface ReceiptFacts {
  readonly network: Network;
  /** The network's name for x402 v1 clients, where it has one. */
  readonly v1Network: string | undefined;
  readonly payer: string;
}

/** The transaction that a receipt names; `undefined` where there is none. */
export function transactionOf(receipt: Receipt): string | undefined {
  return receipt.kind === 'promised' ? undefined : receipt.transaction;
}
