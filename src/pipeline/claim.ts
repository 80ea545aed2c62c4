import { GatewayError } from '../domain/gateway-error.ts';
import type { Payment } from '../domain/payment.ts';
import { type ChargeOrder, encodeEvidence } from '../domain/payment-evidence.ts';
import type { AnswerOver, PaymentClaim, PaymentRecord } from '../domain/payment-record.ts';
import type { ClaimOutcome, Transition, TransitionOutcome } from '../store/ledger.ts';
import { withNews } from '../store/news.ts';
import type { RoutedRequest } from './exchange.ts';
import { resolveHeldPayment } from './held-payment.ts';
import { isRepeatable } from './repeatable.ts';
import type { Debts, Services } from './runtime.ts';
import type { AuthorizedPayment, CollectablePayment, Refusal } from './stages.ts';
import { kindOf, traced } from './traced.ts';

/** The services that steps of a payment need. */
type ClaimServices = Pick<Services, 'ledger' | 'observer' | 'abandoned' | 'runtime' | 'clock'>;

/**
 * A payment that this request holds: the only way to move its row. Each step carries the row's epoch, so that a request
 * that lost its payment can no longer act for it.
 */
export class ClaimedPayment {
  readonly kind = 'claimed';
  readonly #services: ClaimServices;
  #record: PaymentRecord;

  constructor(record: PaymentRecord, services: ClaimServices) {
    this.#record = record;
    this.#services = services;
  }

  get record(): PaymentRecord {
    return this.#record;
  }

  /**
   * Moves the payment one step. What depends on the step may happen once this resolves.
   *
   * @throws GatewayError `store_unavailable`; `payment_in_progress` when another request holds the payment now
   */
  async move(step: Transition): Promise<void> {
    const outcome = await this.#transition(step);
    if (outcome.kind === 'stale') throw new GatewayError('payment_in_progress', { retryAfterSeconds: 2 });
    this.#record = outcome.record;
    const settled = step.settlement !== undefined;
    this.#services.observer.paymentMoved({ record: outcome.record, to: step.to, settled });
  }

  /**
   * Hands over a payment whose answer went out on credit and is over: its money is asked for. This request can do nothing
   * more for it. @throws like {@link move}
   */
  async owe(payment: Payment, end: AnswerOver, debts: Debts): Promise<void> {
    if (this.#record.state !== 'owed') throw new Error(`a payment in state ${this.#record.state} is no debt`);
    await debts.add({ held: this.#record, payment, end }, (checkAt) => this.move({ to: 'owed', ...end, checkAt }));
  }

  /** Leaves the payment to recovery in its present state: this request can do nothing more for it. */
  letGo(): void {
    const { key, epoch } = this.#record;
    this.#services.abandoned({ key, epoch });
  }

  /** A request that cannot write its step lets go of the payment: recovery finds out the outcome. */
  async #transition(step: Transition): Promise<TransitionOutcome> {
    const held = this.#record;
    const { ledger, runtime, clock } = this.#services;
    try {
      return await ledger.transition(
        held.key,
        held.epoch,
        withNews(step, held, runtime().plan.webhooks, clock()),
        held,
      );
    } catch (fault) {
      this.letGo();
      throw fault;
    }
  }
}

/**
 * Claims the payment for this request, to be settled in the given mode; or resolves its state from an earlier request.
 *
 * The claim comes after the signature was proved, here or by a facilitator, so that a forged payment cannot block a real
 * one; and before anything that costs, so that only one of any number of copies goes on.
 *
 * @throws GatewayError `store_unavailable`
 * @throws Error an unverified payment that is settled in another order than it was taken for: nothing is done for it
 */
export async function claimPayment(
  request: RoutedRequest,
  authorized: AuthorizedPayment,
  settle: ChargeOrder,
  services: Services,
): Promise<ClaimedPayment | CollectablePayment | Refusal> {
  const { payment, protocol, fingerprint, identifier, facilitator, foreign } = authorized;
  const { offer, authorization } = payment;
  if (authorized.unverified && settle !== 'before') throw new Error('an unverified payment is settled first');
  if (authorized.verifyBeside !== undefined && settle !== 'after')
    throw new Error('work is done before it is verified');
  const claim: PaymentClaim = {
    key: authorization.key,
    fingerprint,
    digest: authorization.digest,
    requestId: request.requestId,
    route: request.price.id,
    payer: authorization.payer,
    network: offer.network,
    asset: offer.asset.address,
    amount: offer.amount,
    payTo: offer.payTo,
    scheme: offer.scheme,
    protocol: protocol.name,
    claimedAt: services.clock(),
    expiresAt: authorization.expiresAt,
    // With `settle: before` the claim itself writes down that money is about to be asked for.
    state: settle === 'before' ? 'settling' : 'forwarding',
    owner: services.owner,
    facilitator: facilitator.name,
    evidence: encodeEvidence({ payment, repeatable: isRepeatable(request), settle, movedAt: foreign?.minedAt }),
    identifier,
  };
  const outcome = await traced(request.notes.trace, 'claim', () => tryClaim(services, claim), kindOf);
  if (outcome.kind === 'claimed') return new ClaimedPayment(outcome.record, services);
  return await resolveHeldPayment(outcome.record, authorized, request, services);
}

/** A claim whose reply was lost may have been written: recovery gives the payment back. */
async function tryClaim(services: Services, claim: PaymentClaim): Promise<ClaimOutcome> {
  try {
    return await services.ledger.claim(claim);
  } catch (fault) {
    services.abandoned({ key: claim.key, requestId: claim.requestId });
    throw fault;
  }
}

/**
 * Takes a paid answer that did not arrive: of any number of retries one delivers it.
 *
 * @throws GatewayError `store_unavailable`; `payment_in_progress` when another retry was first
 */
export async function claimDelivery(
  { record, kept }: CollectablePayment,
  services: ClaimServices & Pick<Services, 'owner'>,
): Promise<ClaimedPayment> {
  const claimed = new ClaimedPayment(record, services);
  await claimed.move({ to: kept === undefined ? 'delivering' : 'redelivering', owner: services.owner });
  return claimed;
}
