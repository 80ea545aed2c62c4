import type { Amount } from '../domain/amount.ts';
import type { Charge } from '../domain/answer-reader.ts';
import { encodeUsage } from '../domain/usage.ts';
import type { ChargedAnswer } from '../observe/observer.ts';
import type { Transition } from '../store/ledger.ts';
import type { RoutedRequest } from './exchange.ts';
import type { AuthorizedPayment } from './stages.ts';

/** An answer that is charged by what it says. */
type Charged = Extract<Charge, { kind: 'charge' }>;

/** What the ledger keeps of a charge beside its amount. */
export function usageFact({ usage }: Charged): Pick<Transition, 'usage'> {
  return usage === undefined ? {} : { usage: encodeUsage(usage) };
}

/** A charge as metrics are told of it. */
export function chargeEvent(
  { price }: RoutedRequest,
  { payment }: AuthorizedPayment,
  { usage }: Charged,
  amount: Amount,
): ChargedAnswer {
  return { route: price.id, usage, amount, maximum: payment.offer.amount };
}
