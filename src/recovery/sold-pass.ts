import { decodeEvidence } from '../domain/payment-evidence.ts';
import type { PaymentRecord } from '../domain/payment-record.ts';
import { passSale } from '../store/pass-sale.ts';
import type { PassSale } from '../store/passes.ts';

/** The pass that a settled payment buys, by the terms of its claim; `undefined` for none. */
export function soldPass(record: PaymentRecord): PassSale | undefined {
  const offer = record.evidence === undefined ? undefined : decodeEvidence(record.evidence)?.payment.offer;
  return offer?.access === undefined ? undefined : passSale(record, offer.access);
}
