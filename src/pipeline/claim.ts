import { GatewayError } from '../domain/gateway-error.ts';
import type { PaymentRecord } from '../domain/payment-record.ts';
import type { ClaimState } from '../domain/payment-state.ts';
import type { SettleResponse } from '../domain/x402.ts';
import type { Ledger, Transition } from '../store/ledger.ts';
import type { AuthorizedPayment, CollectablePayment } from './authorize.ts';
import { encodeEvidence } from './evidence.ts';
import type { RoutedRequest } from './exchange.ts';
import { resolveHeldPayment } from './held-payment.ts';
import type { Refusal, SettlementNotice } from './refusal.ts';
import type { Services } from './runtime.ts';

/**
 * A payment that this request holds: the only way to move its row on. Each move carries the row's epoch, so that a
 * request that lost its payment cannot act for it any more.
 */
export class ClaimedPayment {
  readonly kind = 'claimed';
  readonly #ledger: Ledger;
  #record: PaymentRecord;

  constructor(ledger: Ledger, record: PaymentRecord) {
    this.#ledger = ledger;
    this.#record = record;
  }

  get record(): PaymentRecord {
    return this.#record;
  }

  /**
   * Moves the payment one step. What depends on the step may happen once this resolves.
   *
   * @throws GatewayError `store_unavailable`; `payment_in_progress` when somebody else holds the payment now
   */
  async move(step: Transition): Promise<void> {
    const outcome = await this.#ledger.transition(this.#record.key, this.#record.epoch, step);
    if (outcome.kind === 'stale') throw new GatewayError('payment_in_progress', { retryAfterSeconds: 2 });
    this.#record = outcome.record;
  }
}

/**
 * Takes the payment for this request, beginning in `state`; or says what the one who was first has made of it.
 *
 * The claim comes after verification, so that nobody can block somebody else's payment with a made-up one; and before
 * anything that costs, so that of any number of copies one goes on.
 *
 * @throws GatewayError `store_unavailable`
 */
export async function claimPayment(
  request: RoutedRequest,
  authorized: AuthorizedPayment,
  state: ClaimState,
  services: Services,
): Promise<ClaimedPayment | CollectablePayment | Refusal> {
  const { payment, protocol, fingerprint } = authorized;
  const { offer, authorization } = payment;
  const outcome = await services.ledger.claim({
    key: authorization.key,
    fingerprint,
    digest: authorization.digest,
    requestId: request.requestId,
    route: request.route.name,
    payer: authorization.payer,
    network: offer.network,
    asset: offer.asset.address,
    amount: offer.amount,
    payTo: offer.payTo,
    scheme: offer.scheme,
    claimedAt: services.clock(),
    expiresAt: authorization.expiresAt,
    state,
    owner: services.owner,
    facilitator: authorized.facilitator.name,
    evidence: encodeEvidence(payment),
    identifier: undefined,
  });
  if (outcome.kind === 'claimed') return new ClaimedPayment(services.ledger, outcome.record);
  const notice = (response: SettleResponse): SettlementNotice => ({ protocol, offer, response });
  const { retryWindowMs } = request.runtime.plan;
  const held = resolveHeldPayment(outcome.record, fingerprint, services.clock(), retryWindowMs, notice);
  return held.kind === 'collectable' ? { ...held, protocol, offer } : held;
}

/**
 * Takes a paid and undelivered answer for this request: of any number of retries one delivers it.
 *
 * @throws GatewayError `store_unavailable`; `payment_in_progress` when another retry was first
 */
export async function claimDelivery(collectable: CollectablePayment, ledger: Ledger): Promise<ClaimedPayment> {
  const claimed = new ClaimedPayment(ledger, collectable.record);
  await claimed.move({ to: 'delivering' });
  return claimed;
}
