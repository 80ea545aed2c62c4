import type { Amount } from '../domain/amount.ts';
import type { Charge } from '../domain/answer-reader.ts';
import { encodeUsage } from '../domain/usage.ts';
import type { ChargedAnswer } from '../observe/observer.ts';
import type { Transition } from '../store/ledger.ts';
import type { RoutedRequest } from './exchange.ts';
import type { AuthorizedPayment } from './stages.ts';

/** The charge of a metered answer. */
type Charged = Extract<Charge, { kind: 'charge' }>;

/** What the ledger keeps of a charge beside its amount. */
export function usageFact({ usage }: Charged): Pick<Transition, 'usage'> {
  return usage === undefined ? {} : { usage: encodeUsage(usage) };
}

/** A charge as an event for metrics. */
export function chargeEvent(
  { price }: RoutedRequest,
  { payment }: AuthorizedPayment,
  { usage }: Charged,
  amount: Amount,
): ChargedAnswer {
  return { route: price.id, usage, amount, maximum: payment.offer.amount };
}
