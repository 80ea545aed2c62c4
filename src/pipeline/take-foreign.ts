import { SECOND_LOOK_MS } from '../store/upkeep.ts';
import { claimPayment } from './claim.ts';
import type { RoutedRequest } from './exchange.ts';
import type { Services } from './runtime.ts';
import type { AuthorizedPayment, CollectablePayment, FoundTransfer, Refusal } from './stages.ts';

/**
 * Takes a payment for this request whose money somebody else has moved. It is written down as settled and undelivered;
 * this request then collects its answer. No money is asked for on any route. After a failed call the same payment can
 * still collect the answer, as with `settle: before`.
 *
 * | step | the row says | killed after it |
 * |---|---|---|
 * | found on the chain | nothing | the same payment is found again, while its transfer is fresh |
 * | claimed | `settling`, without an attempt; its evidence says when the money moved | recovery looks back as far as that, finds the transfer, and writes `undelivered` |
 * | written down | `undelivered`, with the transfer's transaction | the same payment collects its answer within `retryWindow` |
 * | collected | `delivering`, and so on | as with every payment whose answer is collected |
 *
 * If the chain no longer has the transfer when recovery looks, the gateway sent nothing and nothing moved: the payment
 * is `failed`, and can be used again.
 *
 * Of any number of copies one gets the claim, and one the delivery: the ledger decides both, as it does for payments
 * that are settled here.
 *
 * @throws GatewayError `store_unavailable`; `payment_in_progress` when somebody else holds the payment now
 */
export async function takeForeign(
  request: RoutedRequest,
  authorized: AuthorizedPayment,
  { settlement }: FoundTransfer,
  services: Services,
): Promise<CollectablePayment | Refusal> {
  const claimed = await claimPayment(request, authorized, 'before', services);
  if (claimed.kind !== 'claimed') return claimed;
  await claimed.move({
    to: 'undelivered',
    settlement,
    reason: 'somebody else sent it to the chain',
    checkAt: services.clock() + SECOND_LOOK_MS,
  });
  const { protocol, payment } = authorized;
  return { kind: 'collectable', record: claimed.record, protocol, offer: payment.offer, kept: undefined };
}
