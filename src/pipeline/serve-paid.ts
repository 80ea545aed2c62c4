import { isCharged } from '../domain/charge-rule.ts';
import type { ChargeOrder } from '../domain/payment-evidence.ts';
import type { UpstreamResponse } from '../proxy/upstream-connection.ts';
import { BodyRefusedError, mayHaveReachedUpstream } from '../proxy/upstream-fault.ts';
import { faultAnswer } from './answer.ts';
import { attestOf } from './attest.ts';
import { BodyDigest } from './body-digest.ts';
import { type ChargeResult, charge } from './charge.ts';
import { type ClaimedPayment, claimDelivery, claimPayment } from './claim.ts';
import { collectedChanges } from './collected-answer.ts';
import { type Delivery, deliver, keepAnswer, keepsAnswer } from './deliver.ts';
import type { RoutedRequest } from './exchange.ts';
import { type Changes, checkHead, openUpstream, paidFacts, relay } from './forward.ts';
import { receiptOf } from './held-payment.ts';
import { issuePass } from './issue-pass.ts';
import { readerFor } from './reader-for.ts';
import { noticeHeaders, toldOf } from './refusal.ts';
import { isRepeatable } from './repeatable.ts';
import { withPlace } from './reserve.ts';
import type { Services } from './runtime.ts';
import { serveKept } from './serve-kept.ts';
import {
  type AuthorizedPayment,
  answered,
  type CollectablePayment,
  type Refusal,
  type Served,
  type SettlementNotice,
  served,
} from './stages.ts';

/**
 * `settle: after`: the upstream works first and its answer waits while the money moves. A call that fails costs
 * nothing, and no byte of the answer leaves before the settlement is written down.
 *
 * @param ends what becomes of what was paid
 */
export async function serveThenCharge(
  request: RoutedRequest,
  authorized: AuthorizedPayment,
  services: Services,
  ends: Ends = AT_ONCE,
): Promise<Served | Refusal> {
  const { unpaidCallsPerPayer } = request.runtime.plan.limits;
  const paid = services.limiters.unpaidCalls.begin(authorized.payment, unpaidCallsPerPayer);
  if (paid === undefined) return TOO_MANY_UNPAID;
  try {
    return await withClaim(
      request,
      authorized,
      'after',
      services,
      async (claimed, placed) => {
        const digest = new BodyDigest(placed.body);
        const opened = await openUnpaid(placed, claimed, digest);
        if (opened.kind === 'served') return opened;
        const { response } = opened;
        const charged = await chargeHolding(placed, { claimed, authorized, response, digest }, services);
        if (charged.kind === 'refusal') return charged;
        // A large answer may take long: it is paid for.
        paid();
        return await ends.deliver(placed, { claimed, response, digest, notice: charged.notice });
      },
      ends,
    );
  } finally {
    paid();
  }
}

/** What becomes of a paid answer, and of one that an earlier request has paid for. */
export interface Ends {
  readonly deliver: (request: RoutedRequest, delivery: Delivery) => Promise<Served>;
  readonly collect: (
    request: RoutedRequest,
    collectable: CollectablePayment,
    services: Services,
  ) => Promise<Served | Refusal>;
}

/** The answer to the request that pays is what was paid for. */
export const AT_ONCE: Ends = { deliver, collect };

/** Nothing was claimed: the same payment is good when one of the others is through. */
export const TOO_MANY_UNPAID: Refusal = {
  kind: 'refusal',
  code: 'too_many_unpaid_calls',
  reason: 'too_many_unpaid_calls',
  retryAfterSeconds: 1,
};

/**
 * `settle: before`: the money moves, then the upstream works. For work that is expensive or cannot be undone. If the
 * upstream then fails, the payment stays good for the retry window.
 */
export async function chargeThenServe(
  request: RoutedRequest,
  authorized: AuthorizedPayment,
  services: Services,
): Promise<Served | Refusal> {
  return await withClaim(request, authorized, 'before', services, async (claimed, placed) => {
    const charged = await charge(placed, claimed, authorized, services);
    return charged.kind === 'refusal' ? charged : await serveCharged(placed, claimed, charged.notice, services);
  });
}

/**
 * Takes a place at the upstream, then the payment, and goes on with both. Whoever comes second is told what the first
 * has made of the payment, or collects what the first did not get.
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
  const run = async (placed: RoutedRequest): Promise<Served | Refusal> => {
    const claimed = await claimPayment(placed, authorized, settle, services);
    switch (claimed.kind) {
      case 'refusal':
        return claimed;
      case 'collectable':
        return await ends.collect(placed, claimed, services);
      case 'claimed':
        return await goOn(claimed, placed);
    }
  };
  return await withPlace(request, kind, run, authorized.payment.authorization.payer);
}

/**
 * Serves a request whose payment was settled earlier and whose answer did not arrive: no new charge.
 *
 * @throws GatewayError `too_many_upstream_calls`: the payment stays as it is, and this was no delivery
 */
export async function collect(
  request: RoutedRequest,
  collectable: CollectablePayment,
  services: Services,
): Promise<Served | Refusal> {
  const { kept, record, offer } = collectable;
  if (kept === undefined) return await withPlace(request, 'paid', (placed) => callAgain(placed, collectable, services));
  // Before the payment is taken up: a store that cannot write it leaves the payment where it is.
  const pass = await issuePass(request, record, offer, services);
  return await serveKept(request, collectable, kept, pass, services);
}

async function callAgain(
  request: RoutedRequest,
  collectable: CollectablePayment,
  services: Services,
): Promise<Served | Refusal> {
  const { protocol, offer, record } = collectable;
  const pass = await issuePass(request, record, offer, services);
  const claimed = await claimDelivery(collectable, services);
  const notice = { protocol, receipt: receiptOf(claimed.record, offer), pass, attest: attestOf(request) };
  const reader = readerFor(request, { protocol, offer }, services);
  const changesOf =
    reader && ((response: UpstreamResponse) => collectedChanges(reader, response, toldOf(notice, response.status)));
  const result = await serveCharged(request, claimed, notice, services, changesOf);
  return result.kind === 'served' && result.outcome === 'paid' ? served('redelivered') : result;
}

/**
 * Opens the upstream for a payment nobody was asked for yet. An answer that the route does not charge is relayed unpaid; whatever goes
 * wrong, the payment is free again.
 */
export async function openUnpaid(
  request: RoutedRequest,
  claimed: ClaimedPayment,
  digest: BodyDigest,
): Promise<Served | { readonly kind: 'opened'; readonly response: UpstreamResponse }> {
  let response: UpstreamResponse;
  try {
    response = await openUpstream(request, request.route, { paid: paidFacts(claimed.record), watch: digest });
  } catch (fault) {
    await claimed.move({ to: 'released', reason: 'upstream failed' });
    throw fault;
  }
  const charged = isCharged(request.price.charge, response.status);
  if (charged && !request.clientGone.aborted) {
    await checkOrRelease(request, claimed, response);
    return { kind: 'opened', response };
  }
  try {
    await claimed.move({ to: 'released', reason: `upstream answered ${response.status}` });
  } catch (fault) {
    response.discard();
    throw fault;
  }
  if (charged) {
    response.discard();
    return served('client_gone');
  }
  await relay(request, response, true, []);
  return served('unpaid');
}

/** A head that cannot be relayed is a failure of the upstream: found before the money moves, it costs nothing. */
async function checkOrRelease(
  request: RoutedRequest,
  claimed: ClaimedPayment,
  response: UpstreamResponse,
): Promise<void> {
  try {
    checkHead(request, response);
  } catch (fault) {
    await claimed.move({ to: 'released', reason: 'the response head was invalid' });
    throw fault;
  }
}

/** A payment with the upstream's answer, which waits. */
interface Holding {
  readonly claimed: ClaimedPayment;
  readonly authorized: AuthorizedPayment;
  readonly response: UpstreamResponse;
  readonly digest: BodyDigest;
}

/** Charges while an answer is held; the answer is dropped unless the money moved. */
export async function chargeHolding(
  request: RoutedRequest,
  { claimed, authorized, response, digest }: Holding,
  services: Services,
): Promise<ChargeResult> {
  let charged: ChargeResult | undefined;
  try {
    // Kept before the money moves: from then on the call is paid for and cannot be made again.
    if (keepsAnswer(request) || response.broken) await keepOrRelease(request, claimed, response, digest, services);
    charged = await charge(request, claimed, authorized, services, digest.fact);
    return charged;
  } finally {
    if (charged?.kind !== 'charged') response.discard();
  }
}

/** Nobody was asked for the money yet: an answer that cannot be kept costs nothing. */
export async function keepOrRelease(
  request: RoutedRequest,
  claimed: ClaimedPayment,
  response: UpstreamResponse,
  digest: BodyDigest,
  services: Services,
): Promise<void> {
  try {
    await keepAnswer(request, claimed, response, digest, services);
  } catch (fault) {
    await claimed.move({ to: 'released', reason: 'the answer could not be kept' });
    throw fault;
  }
}

async function serveCharged(
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
    response = await openUpstream(request, request.route, { paid, watch: digest, lasting, settled: true });
    checkHead(request, response);
    if (lasting) await keepAnswer(request, claimed, response, digest, services);
    changes = changesOf?.(response);
  } catch (fault) {
    return await withholdCharged(request, { claimed, notice, digest }, fault);
  }
  return await deliver(request, { claimed, response, digest, notice, changes });
}

/** The upstream failed after the money moved: the buyer keeps what was paid for. */
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
  // Whatever the upstream did not get, or may get twice, can be asked for again with the same payment.
  const again = isRepeatable(request) || !mayHaveReachedUpstream(fault);
  const to = again ? 'undelivered' : 'delivery_unknown';
  await claimed.move({ to, reason: 'upstream failed after settlement', ...digest.fact });
  if (request.clientGone.aborted) return served('client_gone');
  return answered(
    'failed',
    faultAnswer(request, fault, (status) => noticeHeaders(notice, status)),
  );
}
