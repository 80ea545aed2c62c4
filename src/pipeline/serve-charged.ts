import type { UpstreamResponse } from '../proxy/upstream-connection.ts';
import { BodyRefusedError, mayHaveRun } from '../proxy/upstream-fault.ts';
import { faultAnswer } from './answer.ts';
import { BodyDigest } from './body-digest.ts';
import { type ClaimedPayment, claimDelivery } from './claim.ts';
import { collectedChanges } from './collected-answer.ts';
import { type Delivery, deliver, keepAnswer, keepsAnswer } from './deliver.ts';
import type { RoutedRequest } from './exchange.ts';
import { type Changes, checkHead, openUpstream, paidFacts } from './forward.ts';
import { issuePass } from './issue-pass.ts';
import { readerFor } from './reader-for.ts';
import { noticeHeaders, toldOf } from './refusal.ts';
import { isRepeatable } from './repeatable.ts';
import { withPlace } from './reserve.ts';
import type { Services } from './runtime.ts';
import { serveKept } from './serve-kept.ts';
import { deliveredNotice } from './settlement-notice.ts';
import {
  answered,
  type CollectablePayment,
  type Refusal,
  type Served,
  type SettlementNotice,
  served,
} from './stages.ts';

/**
 * Serves a request whose payment was settled earlier and whose answer did not arrive, without a new charge.
 *
 * @throws GatewayError `too_many_upstream_calls`: the payment stays as it is, and this did not count as a delivery
 */
export async function collect(
  request: RoutedRequest,
  collectable: CollectablePayment,
  services: Services,
): Promise<Served | Refusal> {
  const { kept, record, offer } = collectable;
  if (kept === undefined) return await withPlace(request, 'paid', (placed) => callAgain(placed, collectable, services));
  // Before the payment is taken up: if the store cannot write the pass, the payment stays where it is.
  const pass = await issuePass(request, record, offer, services);
  return await serveKept(request, collectable, kept, pass, services);
}

async function callAgain(
  request: RoutedRequest,
  collectable: CollectablePayment,
  services: Services,
): Promise<Served | Refusal> {
  return await serveAgain(request, collectable, services, (claimed, notice) => {
    const { protocol, offer } = collectable;
    const reader = readerFor(request, { protocol, offer }, services);
    const changesOf =
      reader && ((response: UpstreamResponse) => collectedChanges(reader, response, toldOf(notice, response.status)));
    return serveCharged(request, claimed, notice, services, changesOf);
  });
}

/** Takes up a payment that was settled earlier, with the pass that it bought, and serves its request by `serve`. */
export async function serveAgain(
  request: RoutedRequest,
  collectable: CollectablePayment,
  services: Services,
  serve: (claimed: ClaimedPayment, notice: SettlementNotice) => Promise<Served | Refusal>,
): Promise<Served | Refusal> {
  const { protocol, offer, record } = collectable;
  const pass = await issuePass(request, record, offer, services);
  const claimed = await claimDelivery(collectable, services);
  const notice = deliveredNotice(request, { record: claimed.record, offer, protocol, pass });
  const result = await serve(claimed, notice);
  return result.kind === 'served' && result.outcome === 'paid' ? served('redelivered') : result;
}

/** Calls the upstream for a settled payment, and sends the answer. */
export async function serveCharged(
  request: RoutedRequest,
  claimed: ClaimedPayment,
  notice: SettlementNotice,
  services: Services,
  changesOf?: (response: UpstreamResponse) => Changes | undefined,
): Promise<Served | Refusal> {
  const digest = new BodyDigest(request.body, claimed.record.bodyDigest);
  let response: UpstreamResponse;
  let changes: Changes | undefined;
  try {
    if (!digest.matches) throw new BodyRefusedError();
    const lasting = keepsAnswer(request);
    const paid = paidFacts(claimed.record);
    const connection = isRepeatable(request) ? 'kept' : 'new';
    response = await openUpstream(request, request.route, { paid, watch: digest, lasting, connection, settled: true });
    checkHead(request, response);
    if (lasting) await keepAnswer(request, claimed, response, digest, services);
    changes = changesOf?.(response);
  } catch (fault) {
    return await withholdCharged(request, { claimed, notice, digest }, fault);
  }
  return await deliver(request, { claimed, response, digest, notice, changes });
}

/** The upstream failed after the money moved: the buyer keeps what was bought. */
async function withholdCharged(
  request: RoutedRequest,
  { claimed, notice, digest }: Omit<Delivery, 'response'>,
  fault: unknown,
): Promise<Served | Refusal> {
  if (fault instanceof BodyRefusedError) {
    await claimed.move({ to: 'undelivered', reason: 'another body' });
    return {
      kind: 'refusal',
      code: 'payment_bound_to_another_request',
      reason: 'payment_bound_to_another_request',
    };
  }
  // A call that the upstream never got whole, or may get twice, can be made again with the same payment.
  const again = isRepeatable(request) || !mayHaveRun(fault);
  const to = again ? 'undelivered' : 'delivery_unknown';
  await claimed.move({ to, reason: 'upstream failed after settlement', ...digest.fact });
  return answerFault(request, notice, fault);
}

/** The answer to a fault after the money moved: it tells of the settlement. `undefined` for a client that has left. */
export function answerFault(request: RoutedRequest, notice: SettlementNotice, fault: unknown): Served {
  if (request.clientGone.aborted) return served('client_gone');
  return answered(
    'failed',
    faultAnswer(request, fault, (status) => noticeHeaders(notice, status)),
  );
}
