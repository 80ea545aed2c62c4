import type { PaymentKey } from './payment.ts';
import type { AnswerOver } from './payment-record.ts';

/**
 * A payment that a request had to let go of because the ledger did not answer: no request works on it any more, though
 * the process lives. Identified by what the request knew of the row.
 */
export type AbandonedPayment =
  /**
   * It held the row at this epoch. If its last step was written after all, the row's epoch is one higher. `end` is how the
   * answer of a debt ended, where that step was to write it.
   */
  | { readonly key: PaymentKey; readonly epoch: number; readonly end?: AnswerOver }
  /** It tried to claim, and the claim may or may not have been written. */
  | { readonly key: PaymentKey; readonly requestId: string };

/** Whether a row, as it stands now, is still where the request left it. */
export function isAbandonedAt(
  abandoned: AbandonedPayment,
  row: { readonly epoch: number; readonly requestId: string },
): boolean {
  if ('requestId' in abandoned) return row.requestId === abandoned.requestId;
  return row.epoch === abandoned.epoch || row.epoch === abandoned.epoch + 1;
}
