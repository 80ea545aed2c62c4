import type { Payment } from '../../src/domain/payment.ts';
import type { SettlementOutcome } from '../../src/domain/settlement.ts';
import type { Facilitator, Journal } from '../../src/facilitator/facilitator.ts';

/** Has a facilitator settle the whole price of a payment. */
export function settleInFull(
  facilitator: Pick<Facilitator, 'settle'>,
  payment: Payment,
  journal: Journal,
): Promise<SettlementOutcome> {
  return facilitator.settle(payment, payment.offer.amount, journal);
}
