import type { RelayOutcome, UpstreamResponse } from '../proxy/upstream-connection.ts';
import { mayHaveReachedUpstream } from '../proxy/upstream-fault.ts';
import { answerFault } from './answer.ts';
import type { AuthorizedPayment, CollectablePayment } from './authorize.ts';
import { type ChargeResult, charge } from './charge.ts';
import { type ClaimedPayment, claimDelivery, claimPayment } from './claim.ts';
import type { RoutedRequest } from './exchange.ts';
import { openUpstream, paidFacts, relay } from './forward.ts';
import { settleResponseOf } from './held-payment.ts';
import type { Refusal, SettlementNotice } from './refusal.ts';
import type { Services } from './runtime.ts';

/** The request was answered; nothing is left to do. */
export interface Served {
  readonly kind: 'served';
}

const SERVED: Served = { kind: 'served' };

/** Methods that may be carried out again without harm (RFC 9110 §9.2.1). */
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS', 'QUERY', 'PROPFIND', 'REPORT', 'SEARCH']);

/**
 * `settle: after`: the upstream works first and its answer waits while the money moves. A call that fails costs
 * nothing, and no byte of the answer leaves before the settlement is written down.
 */
export async function serveThenCharge(
  request: RoutedRequest,
  authorized: AuthorizedPayment,
  services: Services,
): Promise<Served | Refusal> {
  if (request.clientGone.aborted) return gone(request);
  const claimed = await claimPayment(request, authorized, 'forwarding', services);
  if (claimed.kind === 'refusal') return claimed;
  if (claimed.kind === 'collectable') return await collect(request, claimed, services);
  const response = await openOrRelease(request, claimed);
  if (response.status >= 400) {
    await releaseHolding(claimed, response, `upstream answered ${response.status}`);
    request.notes.outcome = 'unpaid';
    await relay(request, response, true, []);
    return SERVED;
  }
  if (request.clientGone.aborted) {
    await releaseHolding(claimed, response, 'client went before settlement');
    response.discard();
    return gone(request);
  }
  const charged = await chargeHolding(claimed, authorized, response);
  if (charged.kind === 'refusal') return charged;
  return await deliver(request, claimed, response, charged.notice);
}

/**
 * `settle: before`: the money moves, then the upstream works. For work that is expensive or cannot be undone. If the
 * upstream then fails, the payment stays good for the retry window.
 */
export async function chargeThenServe(
  request: RoutedRequest,
  authorized: AuthorizedPayment,
  services: Services,
): Promise<Served | Refusal> {
  if (request.clientGone.aborted) return gone(request);
  const claimed = await claimPayment(request, authorized, 'settling', services);
  if (claimed.kind === 'refusal') return claimed;
  if (claimed.kind === 'collectable') return await collect(request, claimed, services);
  const charged = await charge(claimed, authorized);
  if (charged.kind === 'refusal') return charged;
  return await serveCharged(request, claimed, charged.notice);
}

/** Serves a request whose payment was settled earlier and whose answer did not arrive: no new charge. */
export async function collect(
  request: RoutedRequest,
  collectable: CollectablePayment,
  services: Services,
): Promise<Served> {
  const { protocol, offer } = collectable;
  const claimed = await claimDelivery(collectable, services.ledger);
  const response = settleResponseOf(claimed.record);
  if (response === undefined) throw new Error('an undelivered payment without its settlement');
  const served = await serveCharged(request, claimed, { protocol, offer, response });
  if (request.notes.outcome === 'paid') request.notes.outcome = 'redelivered';
  return served;
}

async function serveCharged(
  request: RoutedRequest,
  claimed: ClaimedPayment,
  notice: SettlementNotice,
): Promise<Served> {
  let response: UpstreamResponse;
  try {
    response = await openUpstream(request, request.route, paidFacts(claimed.record));
  } catch (fault) {
    // Whatever the upstream did not get, or may get twice, can be asked for again with the same payment.
    const again = isSafe(request) || !mayHaveReachedUpstream(fault);
    await claimed.move({ to: again ? 'undelivered' : 'delivery_unknown', reason: 'upstream failed after settlement' });
    if (request.clientGone.aborted) return gone(request);
    answerFault(request, fault, Object.fromEntries(noticeHeaders(request, notice)));
    return SERVED;
  }
  return await deliver(request, claimed, response, notice);
}

/** Relays a paid answer, and writes down whether it arrived. */
async function deliver(
  request: RoutedRequest,
  claimed: ClaimedPayment,
  response: UpstreamResponse,
  notice: SettlementNotice,
): Promise<Served> {
  const outcome = await relayPaid(request, claimed, response, notice);
  // A 5xx is the upstream's failure, in full: the buyer was told, and may ask again for what was paid.
  if (outcome.kind === 'complete' && response.status < 500) {
    await claimed.move({ to: 'delivered' });
    request.notes.outcome = 'paid';
    return SERVED;
  }
  const again = outcome.kind === 'complete' || isSafe(request);
  await claimed.move({ to: again ? 'undelivered' : 'delivery_unknown', reason: reasonOf(outcome, response) });
  request.notes.outcome = outcome.kind === 'client_gone' ? 'client_gone' : 'failed';
  return SERVED;
}

async function relayPaid(
  request: RoutedRequest,
  claimed: ClaimedPayment,
  response: UpstreamResponse,
  notice: SettlementNotice,
): Promise<RelayOutcome> {
  try {
    return await relay(request, response, true, noticeHeaders(request, notice));
  } catch (fault) {
    // The head could not be relayed: the money moved, so that the buyer gets a receipt with the error.
    const again = isSafe(request);
    await claimed.move({ to: again ? 'undelivered' : 'delivery_unknown', reason: 'the response head was invalid' });
    throw fault;
  }
}

/** Opens the upstream for a payment nobody was asked for yet; whatever goes wrong, the payment is free again. */
async function openOrRelease(request: RoutedRequest, claimed: ClaimedPayment): Promise<UpstreamResponse> {
  try {
    return await openUpstream(request, request.route, paidFacts(claimed.record));
  } catch (fault) {
    await claimed.move({ to: 'released', reason: 'upstream failed' });
    throw fault;
  }
}

/** Charges while an answer is held; the answer is dropped unless the money moved. */
async function chargeHolding(
  claimed: ClaimedPayment,
  authorized: AuthorizedPayment,
  response: UpstreamResponse,
): Promise<ChargeResult> {
  let charged: ChargeResult | undefined;
  try {
    await claimed.move({ to: 'settling' });
    charged = await charge(claimed, authorized);
    return charged;
  } finally {
    if (charged?.kind !== 'charged') response.discard();
  }
}

/** Releases a payment while an answer is held; a ledger that fails must not leave the upstream's connection behind. */
async function releaseHolding(claimed: ClaimedPayment, response: UpstreamResponse, reason: string): Promise<void> {
  try {
    await claimed.move({ to: 'released', reason });
  } catch (fault) {
    response.discard();
    throw fault;
  }
}

function noticeHeaders(request: RoutedRequest, notice: SettlementNotice): [string, string][] {
  request.notes.transaction = notice.response.transaction;
  return [[notice.protocol.responseHeader, notice.protocol.encodeSettlement(notice.response, notice.offer)]];
}

function isSafe(request: RoutedRequest): boolean {
  return SAFE_METHODS.has(request.method);
}

function gone(request: RoutedRequest): Served {
  request.notes.outcome = 'client_gone';
  return SERVED;
}

function reasonOf(outcome: RelayOutcome, response: UpstreamResponse): string {
  switch (outcome.kind) {
    case 'complete':
      return `upstream answered ${response.status}`;
    case 'client_gone':
      return 'client went during delivery';
    case 'upstream_broke':
      return 'upstream broke off during delivery';
  }
}
