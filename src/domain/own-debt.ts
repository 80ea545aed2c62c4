import type { Payment } from './payment.ts';
import type { AnswerOver, PaymentRecord } from './payment-record.ts';

/** An answer on credit that is over, and whose money is to be asked for. */
export interface OwnDebt {
  /** The row as its request holds it, at `owed`. */
  readonly held: PaymentRecord;
  /** The payment of the row. */
  readonly payment: Payment;
  /** How the answer ended: not written down yet. */
  readonly end: AnswerOver;
}
