import { isCharged } from '../domain/charge-rule.ts';
import { GatewayError } from '../domain/gateway-error.ts';
import { transactionOf } from '../domain/receipt.ts';
import type { RelayOutcome, UpstreamResponse } from '../proxy/upstream-connection.ts';
import type { BodyDigest } from './body-digest.ts';
import type { ClaimedPayment } from './claim.ts';
import { msToRead } from './cut-in-time.ts';
import type { RoutedRequest } from './exchange.ts';
import { type Changes, endOf, relay } from './forward.ts';
import { noticeHeaders } from './refusal.ts';
import { isRepeatable } from './repeatable.ts';
import type { Services } from './runtime.ts';
import { type Served, type SettlementNotice, served } from './stages.ts';

/** A paid answer on its way to the buyer. */
export interface Delivery {
  readonly claimed: ClaimedPayment;
  readonly response: UpstreamResponse;
  readonly digest: BodyDigest;
  readonly notice: SettlementNotice;
  /** How its body is changed on the way. */
  readonly changes?: Changes | undefined;
}

/** Relays a paid answer, and records whether it arrived. */
export async function deliver(request: RoutedRequest, delivery: Delivery): Promise<Served> {
  const { claimed, response, digest, notice, changes } = delivery;
  request.notes.transaction = transactionOf(notice.receipt);
  const outcome = await relay(request, response, true, noticeHeaders(notice, response.status), changes);
  return await writeDelivery(request, { claimed, response, digest }, outcome, hasLeft(request, outcome));
}

/**
 * Writes down whether a paid answer arrived.
 *
 * @param inPart whether the buyer got a part of it and then left
 */
export async function writeDelivery(
  request: RoutedRequest,
  { claimed, response, digest }: Pick<Delivery, 'claimed' | 'response' | 'digest'>,
  outcome: RelayOutcome,
  inPart: boolean,
): Promise<Served> {
  // Any other answer is not what was sold, such as a failure or a redirect: the buyer may ask again for what was paid.
  if (outcome.kind === 'complete' && isCharged(request.price.charge, response.status)) {
    await claimed.move({ to: 'delivered', ...digest.fact });
    return served('paid');
  }
  const reason = reasonOf(request, outcome, response);
  await claimed.move({ to: endOfDelivery(request, outcome, inPart), reason, ...digest.fact });
  return served(endOf(outcome, response.status < 500 ? 'paid' : 'failed'));
}

/** The next state of a payment whose answer did not go out in full, or has a status that the route does not charge. */
function endOfDelivery(
  request: RoutedRequest,
  outcome: RelayOutcome,
  inPart: boolean,
): 'undelivered' | 'delivered_in_part' | 'delivery_unknown' {
  if (outcome.kind === 'complete' || isRepeatable(request)) return 'undelivered';
  return inPart ? 'delivered_in_part' : 'delivery_unknown';
}

/**
 * Whether the buyer left while the answer was going out, as a reader of a stream does who has had enough. Before the
 * first byte nothing counts as delivered.
 */
export function hasLeft({ notes, clientGone }: RoutedRequest, { kind }: RelayOutcome): boolean {
  return kind === 'client_gone' && !clientGone.isCut && notes.headAt !== undefined;
}

/**
 * Whether the answer to this request is stored: the call cannot be repeated, or the buyer may name the same purchase
 * with a new payment.
 */
export function keepsAnswer(request: RoutedRequest): boolean {
  const { keepAnswers, identifier } = request.route;
  return keepAnswers !== undefined && (!isRepeatable(request) || identifier !== 'off');
}

/**
 * Stores an answer before it is relayed, if its status is charged and its size within the route's limit. An answer that
 * should be kept and cannot be is dropped, with its connection to the upstream.
 *
 * @throws GatewayError `upstream_invalid_answer` when the upstream broke off, `upstream_timeout` when it was too slow;
 *   `store_unavailable`
 */
export async function keepAnswer(
  request: RoutedRequest,
  claimed: ClaimedPayment,
  response: UpstreamResponse,
  digest: BodyDigest,
  services: Services,
): Promise<void> {
  try {
    const body = await readToKeep(request, claimed, response, services);
    if (body === undefined) return;
    await writeKept(claimed, { response, body, digest }, services);
  } catch (fault) {
    response.discard();
    throw fault;
  }
}

/**
 * The same for an answer whose body was already read for another purpose.
 *
 * @throws GatewayError `store_unavailable`
 */
export async function keepRead(
  request: RoutedRequest,
  claimed: ClaimedPayment,
  answer: ReadAnswer,
  services: Services,
): Promise<void> {
  const { keepAnswers } = request.route;
  if (keepAnswers === undefined || !keepsAnswer(request) || answer.body.length > keepAnswers.maxBytes) return;
  if (await hasRoomInStore(request, answer.body, services)) await writeKept(claimed, answer, services);
}

/** An answer with its whole body. */
export interface ReadAnswer {
  readonly response: UpstreamResponse;
  readonly body: Buffer;
  readonly digest: BodyDigest;
}

async function writeKept(
  claimed: ClaimedPayment,
  { response, body, digest }: ReadAnswer,
  { ledger }: Services,
): Promise<void> {
  const { status, statusText, rawHeaders: headers } = response;
  const { key, requestId } = claimed.record;
  await ledger.keep(key, { status, statusText, headers, body, requestId, requestDigest: digest.value });
}

async function hasRoomInStore(
  { route, runtime }: RoutedRequest,
  { length }: Buffer,
  { limiters, ledger, observer }: Services,
): Promise<boolean> {
  const { keptAnswersInStore } = runtime.plan.limits;
  if (await limiters.answers.storeHasRoom(length, keptAnswersInStore, () => ledger.countKept())) return true;
  observer.answerNotKept({ route: route.name, room: 'store' });
  return false;
}

/** The body of an answer that is to be kept; `undefined` where it is only relayed. */
async function readToKeep(
  request: RoutedRequest,
  { record }: ClaimedPayment,
  response: UpstreamResponse,
  services: Services,
): Promise<Buffer | undefined> {
  const { route, price, client, runtime } = request;
  const { limiters, observer, clock } = services;
  if (response.broken) throw new GatewayError('upstream_invalid_answer');
  if (route.keepAnswers === undefined || !isCharged(price.charge, response.status)) return undefined;
  // A payment is held meanwhile: an upstream that never ends its answer must not hold it for ever.
  const isPaid = record.settlement !== undefined;
  const forMs = isPaid ? route.timeoutMs : msToRead(route, record.expiresAt, clock());
  const timer = setTimeout(() => response.discard(), forMs);
  const { keptAnswersInMemory } = runtime.plan.limits;
  const room = limiters.answers.hold(keptAnswersInMemory);
  client.onOver(room.release);
  const collected = await response.collect(route.keepAnswers.maxBytes, room);
  clearTimeout(timer);
  switch (collected.kind) {
    case 'whole':
      return (await hasRoomInStore(request, collected.body, services)) ? collected.body : undefined;
    case 'larger':
      if (room.refused) observer.answerNotKept({ route: route.name, room: 'memory' });
      return undefined;
    case 'broke':
      throw new GatewayError(collected.silent ? 'upstream_timeout' : 'upstream_invalid_answer');
  }
}

function reasonOf({ clientGone }: RoutedRequest, outcome: RelayOutcome, response: UpstreamResponse): string {
  switch (outcome.kind) {
    case 'complete':
      return `upstream answered ${response.status}`;
    case 'client_gone':
      return clientGone.isCut ? 'the gateway was stopped during delivery' : 'client went during delivery';
    case 'upstream_broke':
      return 'upstream broke off during delivery';
  }
}
