import type { AccessTerms } from '../domain/access.ts';
import { type BalanceTerms, balanceUnits } from '../domain/balance.ts';
import { networkFamily } from '../domain/network.ts';
import type { PaymentRecord } from '../domain/payment-record.ts';
import type { PassSale } from './passes.ts';

/** What a settled payment buys, by the terms of its offer. */
export function passSale(record: Pick<PaymentRecord, 'key' | 'network' | 'payer'>, terms: AccessTerms): PassSale {
  const { key: paymentKey, network, payer } = record;
  const { balance, ...rest } = terms;
  const holder = { family: networkFamily(network), payer };
  if (balance === undefined) return { ...rest, paymentKey, holder };
  return { ...rest, paymentKey, holder, requests: unitsBought(balance), balance };
}

/** Exact: the plan accepts no amount that would need rounding. */
function unitsBought(balance: BalanceTerms): number {
  const units = balanceUnits(BigInt(balance.amount), balance);
  if (units === undefined) throw new Error('a balance of less than its smallest unit');
  return Number(units);
}
