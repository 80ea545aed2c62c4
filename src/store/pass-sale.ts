import type { AccessTerms } from '../domain/access.ts';
import { networkFamily } from '../domain/network.ts';
import type { PaymentRecord } from '../domain/payment-record.ts';
import type { PassSale } from './passes.ts';

/** What a settled payment buys under the terms of the offer that it paid. */
export function passSale(record: Pick<PaymentRecord, 'key' | 'network' | 'payer'>, terms: AccessTerms): PassSale {
  const { key: paymentKey, network, payer } = record;
  return { ...terms, paymentKey, holder: { family: networkFamily(network), payer } };
}
