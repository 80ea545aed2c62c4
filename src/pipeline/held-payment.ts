import type { Offer } from '../domain/offer.ts';
import type { PaymentRecord } from '../domain/payment-record.ts';
import type { Receipt } from '../domain/receipt.ts';
import type { Protocol } from '../protocol/protocol.ts';
import type { KeptAnswer } from '../store/answers.ts';
import type { RoutedRequest } from './exchange.ts';
import type { Services } from './runtime.ts';
import type { BroughtPayment, CollectablePayment, Refusal } from './stages.ts';

/**
 * Most deliveries of the answer of one payment. A few broken connections are normal; a client that reads all but the
 * last byte, again and again, abuses the retries.
 */
const MOST_DELIVERIES = 5;

/** Seconds after which the same payment may be sent again. */
const RETRY_SECONDS = 2;

/** The meaning of a row, before it is known whether an answer was kept. */
type Meaning = Refusal | { readonly kind: 'repeat' } | { readonly kind: 'recall'; readonly otherwise: Refusal };

/**
 * Decides the answer to a payment whose key or identifier is in the ledger, in a state that cannot be claimed. None of
 * these answers carries a new offer, except for a payment that proved to be worthless.
 *
 * @throws GatewayError `store_unavailable`
 */
export async function resolveHeldPayment(
  record: PaymentRecord,
  brought: Pick<BroughtPayment, 'payment' | 'protocol' | 'fingerprint' | 'identifier'>,
  request: RoutedRequest,
  services: Services,
): Promise<CollectablePayment | Refusal> {
  const { protocol, payment } = brought;
  const { offer } = payment;
  const collectable = { kind: 'collectable', record, protocol, offer } as const;
  const meaning = meaningOf(record, brought, request.runtime.plan.retryWindowMs, services.clock());
  switch (meaning.kind) {
    case 'repeat':
      return { ...collectable, kept: undefined };
    case 'refusal':
      return withReceipt(meaning, record, protocol, offer);
    case 'recall': {
      const kept = await recallWithin(record, request, services);
      if (kept === 'no room') return { ...refuse('payment_in_progress'), retryAfterSeconds: RETRY_SECONDS };
      return kept?.requestId !== record.requestId
        ? withReceipt(meaning.otherwise, record, protocol, offer)
        : { ...collectable, kept };
    }
  }
}

/**
 * Reads a kept answer if there is room in memory, which it shares with answers that are being kept. The room is taken
 * before the answer is read: the most that the route keeps, at most the whole room. It is held until the response is
 * over.
 */
async function recallWithin(
  { key }: PaymentRecord,
  { client, route, runtime }: RoutedRequest,
  { ledger, limiters }: Services,
): Promise<KeptAnswer | undefined | 'no room'> {
  const { keptAnswersInMemory } = runtime.plan.limits;
  const room = limiters.answers.hold(keptAnswersInMemory);
  if (!room.take(Math.min(route.keepAnswers?.maxBytes ?? 0, keptAnswersInMemory))) return 'no room';
  client.onOver(room.release);
  const kept = await ledger.recall(key);
  room.release();
  room.take(kept?.body.byteLength ?? 0);
  // Called again here: if the client has left meanwhile, the room is released at once.
  client.onOver(room.release);
  return kept;
}

function meaningOf(
  record: PaymentRecord,
  { payment, fingerprint, identifier }: Pick<BroughtPayment, 'payment' | 'fingerprint' | 'identifier'>,
  retryWindowMs: number,
  now: number,
): Meaning {
  const samePayment = record.key === payment.authorization.key;
  if (record.fingerprint !== fingerprint) {
    return refuse(samePayment ? 'payment_bound_to_another_request' : 'payment_identifier_conflict');
  }
  // A payload can be read on the chain once it is settled, the buyer's id cannot: a purchase made under an id is
  // collected only with it.
  if (record.identifier !== undefined && record.identifier !== identifier) {
    return refuse('payment_bound_to_another_request');
  }
  // Counted from the settlement, whatever happened since: a delivery that breaks off does not renew the window.
  const inWindow = now - (record.settledAt ?? record.changedAt) <= retryWindowMs;
  switch (record.state) {
    case 'owed':
    case 'settling':
    case 'unknown':
      if (record.answered) return refuse('payment_already_used');
      return record.state === 'unknown'
        ? { ...refuse('settlement_unknown'), reason: 'settlement_pending', retryAfterSeconds: RETRY_SECONDS }
        : { ...refuse('payment_in_progress'), retryAfterSeconds: RETRY_SECONDS };
    case 'forwarding':
    case 'uncharged':
    case 'delivering':
    case 'redelivering':
      return { ...refuse('payment_in_progress'), retryAfterSeconds: RETRY_SECONDS };
    case 'undelivered':
      return inWindow && record.deliveries < MOST_DELIVERIES ? { kind: 'repeat' } : refuse('delivery_expired');
    case 'delivery_unknown':
      return inWindow ? { kind: 'recall', otherwise: refuse('delivery_unknown') } : refuse('delivery_unknown');
    case 'delivered_in_part':
      return inWindow ? { kind: 'recall', otherwise: refuse('payment_already_used') } : refuse('payment_already_used');
    case 'delivered':
      // The same purchase, paid with a new authorization: the buyer lost the answer, and is not charged for asking
      // again.
      if (!samePayment && inWindow) return { kind: 'recall', otherwise: refuse('payment_already_used') };
      return refuse('payment_already_used');
    case 'defaulted':
      // Its money is asked for once more: no price is stated meanwhile.
      if (record.checkAt > 0) return refuse('payment_already_used');
      return { kind: 'refusal', code: 'payment_refused', reason: 'payment_defaulted' };
    case 'released':
    case 'failed':
      throw new Error(`a payment in state ${record.state} is free to be claimed, not held`);
  }
}

/** The receipt of a ledger row; `undefined` where no money moved. */
export function settledReceipt(record: PaymentRecord, { v1Network }: Offer): Receipt | undefined {
  const { settlement, network, settledAt = record.changedAt } = record;
  return settlement && { kind: 'settled', network, v1Network, settledAt, ...settlement };
}

const WITH_RECEIPT: ReadonlySet<Refusal['code']> = new Set([
  'payment_already_used',
  'delivery_expired',
  'delivery_unknown',
]);

function withReceipt(refusal: Refusal, record: PaymentRecord, protocol: Protocol, offer: Offer): Refusal {
  const receipt = WITH_RECEIPT.has(refusal.code) ? settledReceipt(record, offer) : undefined;
  return receipt === undefined ? refusal : { ...refusal, settlement: { protocol, receipt } };
}

function refuse(code: Refusal['code']): Refusal {
  return { kind: 'refusal', code, reason: code };
}
