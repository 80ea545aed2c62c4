import { GatewayError } from '../domain/gateway-error.ts';
import { networkFamily } from '../domain/network.ts';
import type { Offer } from '../domain/offer.ts';
import type { Payment, PaymentSubmission } from '../domain/payment.ts';
import type { Protocol } from '../protocol/protocol.ts';
import type { Authentication } from '../scheme/scheme.ts';
import type { RoutedRequest } from './exchange.ts';
import { fingerprintOf } from './fingerprint.ts';
import { readIdentifier } from './payment-identifier.ts';
import type { RouteDesk, Services } from './runtime.ts';
import type { BroughtPayment, Refusal } from './stages.ts';

/** What a request that brings no payment is told. */
export const UNPAID: Refusal = {
  kind: 'refusal',
  code: 'payment_required',
  reason: 'Payment required',
};

/**
 * Reads the payment header, holds it against our own offers, and checks all that needs neither network nor ledger.
 *
 * @throws GatewayError `payment_header_repeated`
 */
export async function readPayment(
  request: RoutedRequest,
  desk: RouteDesk,
  services: Services,
): Promise<BroughtPayment | Refusal> {
  const header = readPaymentHeader(request, services.protocols);
  if (header === undefined) return UNPAID;
  const { protocol, value } = header;
  if (value.length > request.runtime.plan.limits.paymentHeaderBytes) {
    return { kind: 'refusal', code: 'payment_header_too_large', reason: 'invalid_payload' };
  }
  const submitted = protocol.decode(value);
  if (submitted.kind === 'malformed') return malformed(submitted.detail);
  const { submission } = submitted;
  const candidate = await findOffer(submission, protocol, { request, desk, services });
  if (candidate.kind === 'unmatched') return refusePayment(candidate.reason);
  const { offer, authentication } = candidate;
  switch (authentication.kind) {
    case 'malformed':
      return malformed(authentication.detail);
    case 'refused':
      if (authentication.lapsed === undefined) return refusePayment(authentication.reason);
      return brought(request, protocol, submission, offer, authentication.lapsed, authentication.reason);
    case 'authentic':
      return brought(request, protocol, submission, offer, authentication.authorization, undefined);
  }
}

/** Refuses a payment with a reason of the specification and states the price again. */
export function refusePayment(reason: string): Refusal {
  const code = reason === 'permit2_allowance_required' ? 'permit2_allowance_required' : 'payment_refused';
  return { kind: 'refusal', code, reason };
}

function brought(
  request: RoutedRequest,
  protocol: Protocol,
  submission: PaymentSubmission,
  offer: Offer,
  authorization: Payment['authorization'],
  lapsed: string | undefined,
): BroughtPayment | Refusal {
  const named = readIdentifier(submission, request.route.identifier);
  if (named.kind === 'refusal') return named;
  request.notes.payer = authorization.payer;
  const identifier = named.id === undefined ? undefined : `${authorization.payer}|${named.id}`;
  const payment: Payment = { submission, offer, authorization, resourceUrl: request.resourceUrl };
  return { kind: 'brought', payment, protocol, fingerprint: fingerprintOf(request), identifier, lapsed };
}

/** Whether a request brings a payment, good or not. */
export function hasPaymentHeader({ req }: RoutedRequest, protocols: readonly Protocol[]): boolean {
  for (const { requestHeader } of protocols) if (req.headers[requestHeader] !== undefined) return true;
  return false;
}

interface PaymentHeader {
  readonly protocol: Protocol;
  readonly value: string;
}

/** Finds the one payment header. The same payment in a v1 and a v2 header is taken once; two payments are refused. */
function readPaymentHeader(request: RoutedRequest, protocols: readonly Protocol[]): PaymentHeader | undefined {
  const found: PaymentHeader[] = [];
  for (const protocol of protocols) {
    const value = request.req.headers[protocol.requestHeader];
    if (value === undefined) continue;
    // Node joins repeated headers with a comma, which base64 does not hold.
    if (typeof value !== 'string' || value.includes(',')) throw new GatewayError('payment_header_repeated');
    found.push({ protocol, value });
  }
  const [first, ...others] = found;
  if (others.some((other) => other.value !== first?.value)) throw new GatewayError('payment_header_repeated');
  return first;
}

/** The offer that a submission pays best, and how well. */
interface Candidate {
  readonly kind: 'candidate';
  readonly offer: Offer;
  readonly authentication: Authentication;
}

/** A submission that pays none of the offers that it was held against. */
interface Unmatched {
  readonly kind: 'unmatched';
  readonly reason: string;
}

interface Counter {
  readonly request: RoutedRequest;
  readonly desk: RouteDesk;
  readonly services: Services;
}

/** Holds a submission against what is offered here or was until lately; where it fits nothing, also elsewhere. */
async function findOffer(
  submission: PaymentSubmission,
  protocol: Protocol,
  counter: Counter,
): Promise<Candidate | Unmatched> {
  const offers = offersOf(counter);
  const found = await bestOf(submission, protocol, offers, counter);
  const fits = found.kind === 'candidate' && (found.authentication.kind !== 'refused' || isLapsed(found));
  if (fits || isTold(submission, found)) return found;
  await counter.desk.lookUpOffers();
  const more = offersOf(counter);
  return more.length === offers.length ? found : await bestOf(submission, protocol, more, counter);
}

function isLapsed({ authentication }: Candidate): boolean {
  return authentication.kind === 'refused' && authentication.lapsed !== undefined;
}

/** Version 2 names the very offer that it pays, so that one which fits in name and not in content is just wrong. */
function isTold({ version }: PaymentSubmission, found: Candidate | Unmatched): boolean {
  return version === 2 && found.kind === 'candidate';
}

function offersOf({ desk, services }: Counter): readonly Offer[] {
  return [...desk.offers, ...desk.recentOffers(services.clock())];
}

/** Authenticates against each offer that the submission can mean, and takes the one that says most. */
async function bestOf(
  submission: PaymentSubmission,
  protocol: Protocol,
  offers: readonly Offer[],
  { request, services }: Counter,
): Promise<Candidate | Unmatched> {
  const match = protocol.match(submission, offers, request.resourceUrl);
  if (match.kind === 'refused') return { kind: 'unmatched', reason: match.reason };
  const now = services.clock() / 1000;
  let best: Candidate | undefined;
  for (const offer of match.offers) {
    const authentication = await schemeFor(offer, services).authenticate(submission.payload.payload, offer, now);
    if (best === undefined || rank(authentication) > rank(best.authentication)) {
      best = { kind: 'candidate', offer, authentication };
    }
  }
  if (best === undefined) throw new Error('a match without offers');
  return best;
}

function rank(authentication: Authentication): number {
  switch (authentication.kind) {
    case 'malformed':
      return 0;
    case 'refused':
      return authentication.lapsed === undefined ? 1 : 2;
    case 'authentic':
      return authentication.authorization.proved ? 4 : 3;
  }
}

function schemeFor(offer: Offer, services: Services): Services['schemes'][number] {
  const family = networkFamily(offer.network);
  const scheme = services.schemes.find((known) => known.scheme === offer.scheme && known.family === family);
  if (scheme === undefined)
    throw new Error(`the plan offers ${offer.scheme} on ${offer.network}, which nothing serves`);
  return scheme;
}

function malformed(detail: string): Refusal {
  return { kind: 'refusal', code: 'payment_malformed', reason: 'invalid_payload', detail };
}
