import { GatewayError } from '../domain/gateway-error.ts';
import type { Offer } from '../domain/offer.ts';
import type { Payment } from '../domain/payment.ts';
import { credentialInMessage } from '../protocol/mcp-form.ts';
import type { Credential, Protocol, Submission, Submitted } from '../protocol/protocol.ts';
import type { RoutedRequest } from './exchange.ts';
import { findAnyOffer } from './find-offer.ts';
import { fingerprintOf } from './fingerprint.ts';
import type { OpenPrice, Services } from './runtime.ts';
import type { BroughtPayment, Refusal } from './stages.ts';

/** The refusal of a request without a payment. */
export const UNPAID: Refusal = {
  kind: 'refusal',
  code: 'payment_required',
  reason: 'Payment required',
};

/**
 * Reads the payment, compares it with our own offers, and makes every check that needs neither network nor ledger.
 *
 * @throws GatewayError `payment_header_repeated`
 */
export async function readPayment(
  request: RoutedRequest,
  open: OpenPrice,
  services: Services,
): Promise<BroughtPayment | Refusal> {
  const credential = credentialOf(request, protocolsOf(request));
  return credential === undefined ? UNPAID : await judgeCredential(request, credential, open, services);
}

/** Compares a payment, wherever the request carries it, with our own offers, like {@link readPayment}. */
export async function judgeCredential(
  request: RoutedRequest,
  { protocol, text }: FoundCredential,
  open: OpenPrice,
  services: Services,
): Promise<BroughtPayment | Refusal> {
  request.notes.protocol = protocol.name;
  if (text.length > request.runtime.plan.limits.paymentHeaderBytes) {
    return { kind: 'refusal', code: 'payment_header_too_large', reason: 'invalid_payload' };
  }
  const submitted = protocol.read(text);
  if (submitted.kind === 'malformed') return malformed(submitted.detail, submitted.code);
  const { submission } = submitted;
  const candidate = await findAnyOffer(submission, { request, open, services });
  if (candidate.kind === 'used') return ALREADY_USED;
  if (candidate.kind === 'elsewhere') return BOUND_ELSEWHERE;
  if (candidate.kind === 'unmatched') return refusePayment(candidate.reason);
  const { offer, authentication, lapsed } = candidate;
  switch (authentication.kind) {
    case 'malformed':
      return malformed(authentication.detail);
    case 'refused':
      if (authentication.lapsed === undefined) return refusePayment(authentication.reason);
      return brought(request, protocol, submission, offer, authentication.lapsed, lapsed ?? authentication.reason);
    case 'authentic':
      return brought(request, protocol, submission, offer, authentication.authorization, lapsed);
  }
}

/** Its authorization is used, and may have paid the seller: a new offer would make its buyer pay twice. */
export const ALREADY_USED: Refusal = { kind: 'refusal', code: 'payment_already_used', reason: 'payment_already_used' };

/** It has paid for another request, which may have led here by a redirect: a new offer would make its buyer pay twice. */
const BOUND_ELSEWHERE: Refusal = {
  kind: 'refusal',
  code: 'payment_bound_to_another_request',
  reason: 'payment_bound_to_another_request',
};

/** Refuses a payment with a reason of the specification, and states the price again. */
export function refusePayment(reason: string, words?: string): Refusal {
  const code = reason === 'permit2_allowance_required' ? 'permit2_allowance_required' : 'payment_refused';
  return { kind: 'refusal', code, reason, ...(words === undefined ? {} : { words, detail: words }) };
}

function brought(
  request: RoutedRequest,
  protocol: Protocol,
  submission: Submission,
  offer: Offer,
  authorization: Payment['authorization'],
  lapsed: string | undefined,
): BroughtPayment | Refusal {
  const named = identifierFor(submission, protocol, request);
  if (named.kind === 'refusal') return named;
  request.notes.payer = authorization.payer;
  const identifier = named.id === undefined ? undefined : `${authorization.payer}|${named.id}`;
  const payment: Payment = {
    submission: submission.paying(offer),
    offer,
    authorization,
    resourceUrl: request.resourceUrl,
  };
  return { kind: 'brought', payment, protocol, fingerprint: fingerprintOf(request), identifier, lapsed };
}

/** The id under which this purchase is charged once, where its route takes one. */
type NamedPurchase = { readonly kind: 'named'; readonly id: string | undefined } | Refusal;

/**
 * Applies the route's rule to the buyer's own id. A route that takes no ids ignores it. A malformed id is refused: a
 * buyer who relies on it must not learn later that it was ignored.
 */
function identifierFor(
  submission: Submission,
  { idField }: Protocol,
  { head, route: { identifier: rule } }: RoutedRequest,
): NamedPurchase {
  if (rule === 'off') return { kind: 'named', id: undefined };
  const identifier = idField?.read(head) ?? submission.identifier;
  switch (identifier.kind) {
    case 'named':
      return { kind: 'named', id: identifier.id };
    case 'malformed':
      return malformed(
        idField === undefined
          ? 'The payment-identifier is 16 to 128 letters, digits, _ or -.'
          : `${idField.name} is 1 to 255 printable characters.`,
      );
    case 'none': {
      if (rule === 'optional') return { kind: 'named', id: undefined };
      const place = idField?.name ?? 'extensions["payment-identifier"].info.id';
      const detail = `Put an id of your own into ${place}.`;
      return { kind: 'refusal', code: 'payment_identifier_required', reason: 'payment_identifier_required', detail };
    }
  }
}

/** The protocols that a request can be paid in: those of its route, the preferred one first. */
export function protocolsOf({ runtime, route }: Pick<RoutedRequest, 'runtime' | 'route'>): readonly Protocol[] {
  return runtime.protocols(route);
}

/** The protocol in which a request brings a payment, valid or not; `undefined` where it brings none. */
export function broughtIn(request: PaymentPlaces, protocols: readonly Protocol[]): Protocol | undefined {
  for (const protocol of protocols) {
    if (protocol.credential(request.head).kind !== 'none') return protocol;
    if (credentialInMessage(protocol.mcp, request.payments).kind !== 'none') return protocol;
  }
  return undefined;
}

/** Whether a request brings a payment, valid or not. */
export function hasPayment(request: PaymentPlaces & Pick<RoutedRequest, 'runtime' | 'route'>): boolean {
  return broughtIn(request, protocolsOf(request)) !== undefined;
}

/** The places for a payment: a header, or a member of the message. */
export type PaymentPlaces = Pick<RoutedRequest, 'head' | 'payments'>;

/** A payment as a request carries it, and the protocol that reads it. */
export interface FoundCredential {
  readonly protocol: Protocol;
  readonly text: string;
}

/**
 * Finds the only payment. The same payment in two places counts once; two different payments are refused.
 *
 * @throws GatewayError `payment_header_repeated`
 */
export function credentialOf(
  { head, payments }: PaymentPlaces,
  protocols: readonly Protocol[],
): FoundCredential | undefined {
  let found: FoundCredential | undefined;
  const take = (protocol: Protocol, credential: Credential): void => {
    if (credential.kind === 'none') return;
    if (credential.kind === 'repeated') throw new GatewayError('payment_header_repeated');
    if (found !== undefined && found.text !== credential.text) throw new GatewayError('payment_header_repeated');
    found ??= { protocol, text: credential.text };
  };
  for (const protocol of protocols) {
    take(protocol, protocol.credential(head));
    take(protocol, credentialInMessage(protocol.mcp, payments));
  }
  return found;
}

type Malformed = Submitted & { readonly kind: 'malformed' };

function malformed(
  detail: string,
  code: NonNullable<Malformed['code']> | 'payment_malformed' = 'payment_malformed',
): Refusal {
  return { kind: 'refusal', code, reason: 'invalid_payload', detail };
}
