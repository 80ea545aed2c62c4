import type { Offer } from '../domain/offer.ts';
import type { PaymentRecord } from '../domain/payment-record.ts';
import type { Protocol } from '../protocol/protocol.ts';
import { attestOf } from './attest.ts';
import type { RoutedRequest } from './exchange.ts';
import { settledReceipt } from './held-payment.ts';
import type { IssuedPass, SettlementNotice } from './stages.ts';

/** The payment that a buyer is told of, and what it bought. */
interface Bought {
  readonly record: PaymentRecord;
  readonly offer: Offer;
  readonly protocol: Protocol;
  readonly pass: IssuedPass | undefined;
}

/** The notice of a settlement for its buyer; `undefined` where no money moved. */
export function settlementNotice(
  request: RoutedRequest,
  { record, offer, protocol, pass }: Bought,
): SettlementNotice | undefined {
  const receipt = settledReceipt(record, offer);
  return receipt && { protocol, receipt, pass, attest: attestOf(request) };
}

/** The same for a payment in delivery, which is always settled. */
export function deliveredNotice(request: RoutedRequest, bought: Bought): SettlementNotice {
  const notice = settlementNotice(request, bought);
  if (notice === undefined) throw new Error(`a payment in state ${bought.record.state} without its settlement`);
  return notice;
}
