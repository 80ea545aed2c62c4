import type { PaymentKey } from '../domain/payment.ts';

/** A kept answer, as it was relayed. */
export interface KeptAnswer {
  readonly status: number;
  readonly statusText: string;
  /** Flat list of names and values. */
  readonly headers: readonly string[];
  readonly body: Uint8Array;
  /** The claim that the answer belongs to: a key can be claimed again, and an answer to an earlier claim is void. */
  readonly requestId: string;
  /** SHA-256 of the body of the request that it answers, hex; `undefined` when the answer came before the body ended. */
  readonly requestDigest: string | undefined;
}

/**
 * Answers of calls that cannot be repeated, for buyers whose connection dropped. Deleted with the payment's row, and with
 * the step that ends the payment without money: to `released`, `failed` or `defaulted`.
 */
export interface Answers {
  /** Keeps an answer, in place of an earlier one of the same payment. */
  keep(key: PaymentKey, answer: KeptAnswer): Promise<void>;
  /** Reads a kept answer. */
  recall(key: PaymentKey): Promise<KeptAnswer | undefined>;
  /** How many bytes the bodies of all kept answers have. */
  countKept(): Promise<number>;
  /**
   * Deletes answers that were kept before `keptBefore` (Unix milliseconds), of payments that are not open and were
   * settled before it: they can no longer be collected. At most `limit` at a time; returns how many.
   */
  forgetAnswers(keptBefore: number, limit: number): Promise<number>;
}
