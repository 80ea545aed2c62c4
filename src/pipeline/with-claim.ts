import type { ChargeOrder } from '../domain/payment-evidence.ts';
import { type ClaimedPayment, claimPayment } from './claim.ts';
import { type Delivery, deliver } from './deliver.ts';
import type { RoutedRequest } from './exchange.ts';
import { withPlace } from './reserve.ts';
import type { Services } from './runtime.ts';
import { collect } from './serve-charged.ts';
import { type AuthorizedPayment, type CollectablePayment, type Refusal, type Served, served } from './stages.ts';

/** How a paid answer is delivered, and how an answer that an earlier request paid for is collected. */
export interface Ends {
  readonly deliver: (request: RoutedRequest, delivery: Delivery) => Promise<Served>;
  readonly collect: (
    request: RoutedRequest,
    collectable: CollectablePayment,
    services: Services,
  ) => Promise<Served | Refusal>;
}

/** The answer to the paying request is what was bought. */
export const AT_ONCE: Ends = { deliver, collect };

/**
 * Takes room at the upstream, then the payment, and goes on with both. A later copy is told the payment's state, or
 * collects an answer that did not arrive.
 *
 * @throws GatewayError `too_many_upstream_calls`: nothing was claimed
 */
export async function withClaim(
  request: RoutedRequest,
  authorized: AuthorizedPayment,
  settle: ChargeOrder,
  services: Services,
  goOn: (claimed: ClaimedPayment, placed: RoutedRequest) => Promise<Served | Refusal>,
  ends: Pick<Ends, 'collect'> = AT_ONCE,
): Promise<Served | Refusal> {
  if (request.clientGone.aborted) return served('client_gone');
  const kind = settle === 'before' ? 'paid' : 'promised';
  const run = (placed: RoutedRequest): Promise<Served | Refusal> =>
    claimThen(placed, authorized, settle, services, (claimed) => goOn(claimed, placed), ends);
  return await withPlace(request, kind, run, authorized.payment.authorization.payer);
}

/** Takes the payment and goes on with it, in the same way, for a request that has its room or needs none. */
export async function claimThen(
  request: RoutedRequest,
  authorized: AuthorizedPayment,
  settle: ChargeOrder,
  services: Services,
  goOn: (claimed: ClaimedPayment) => Promise<Served | Refusal>,
  ends: Pick<Ends, 'collect'>,
): Promise<Served | Refusal> {
  const claimed = await claimPayment(request, authorized, settle, services);
  switch (claimed.kind) {
    case 'refusal':
      return claimed;
    case 'collectable':
      return await ends.collect(request, claimed, services);
    case 'claimed':
      return await goOn(claimed);
  }
}
