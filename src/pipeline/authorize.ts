import type { Offer } from '../domain/offer.ts';
import { isClaimable } from '../domain/payment-state.ts';
import type { SettleResponse } from '../domain/x402.ts';
import type { Facilitator } from '../facilitator/facilitator.ts';
import type { Protocol } from '../protocol/protocol.ts';
import type { RoutedRequest } from './exchange.ts';
import { type HeldPayment, resolveHeldPayment } from './held-payment.ts';
import { type BroughtPayment, readPayment, refusePayment } from './read-payment.ts';
import type { Refusal, SettlementNotice } from './refusal.ts';
import type { RouteDesk, Services } from './runtime.ts';

/** A payment that may be claimed for this request. */
export interface AuthorizedPayment extends Pick<BroughtPayment, 'payment' | 'protocol' | 'fingerprint'> {
  readonly kind: 'authorized';
  /** Who verified it, and the only one that may settle it. */
  readonly facilitator: Facilitator;
}

/** A payment whose settlement is in the ledger and whose answer this request may collect. */
export type CollectablePayment = Extract<HeldPayment, { kind: 'collectable' }> & {
  readonly protocol: Protocol;
  readonly offer: Offer;
};

/** What a request's payment header came to. */
export type AuthorizeResult = AuthorizedPayment | CollectablePayment | Refusal;

/**
 * Reads the payment, looks whether it is known already, and only then asks a facilitator.
 *
 * @throws GatewayError `payment_header_repeated`, and the facilitator's and the ledger's faults
 */
export async function authorize(request: RoutedRequest, desk: RouteDesk, services: Services): Promise<AuthorizeResult> {
  const brought = await readPayment(request, desk, services);
  if (brought.kind === 'refusal') return brought;
  // Before its time limit counts: what was bought with a payment can be collected when it has run out.
  const known = await findHeld(request, brought, services);
  if (known !== undefined) return known;
  if (brought.lapsed !== undefined) return refusePayment(brought.lapsed);
  const { payment, protocol, fingerprint } = brought;
  const { verification, facilitator } = await request.runtime.facilitators.verify(payment, request.clientGone);
  if (verification.kind === 'valid') return { kind: 'authorized', payment, protocol, fingerprint, facilitator };
  // A copy of this payment may have been settled while we asked: then "already used" is our own doing, no refusal.
  return (await findHeld(request, brought, services)) ?? refusePayment(verification.reason);
}

/**
 * Looks whether the payment is in the ledger. Only a proved signature, or the very payload that was claimed, is told
 * anything: a made-up payment that names somebody else's nonce must not learn of, nor collect, what they bought.
 */
async function findHeld(
  request: RoutedRequest,
  { payment, protocol, fingerprint }: BroughtPayment,
  services: Services,
): Promise<CollectablePayment | Refusal | undefined> {
  const { authorization, offer } = payment;
  const record = await services.ledger.find(authorization.key);
  if (record === undefined || isClaimable(record.state)) return undefined;
  if (!authorization.proved && record.digest !== authorization.digest) return undefined;
  const notice = (response: SettleResponse): SettlementNotice => ({ protocol, offer, response });
  const { retryWindowMs } = request.runtime.plan;
  const held = resolveHeldPayment(record, fingerprint, services.clock(), retryWindowMs, notice);
  return held.kind === 'collectable' ? { ...held, protocol, offer } : held;
}
