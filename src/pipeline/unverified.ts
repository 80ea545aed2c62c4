import { ERROR_CODES, GatewayError } from '../domain/gateway-error.ts';
import type { Offer } from '../domain/offer.ts';
import type { SettlementOutcome } from '../domain/settlement.ts';
import type { Facilitator } from '../facilitator/facilitator.ts';
import { clientGroup } from '../proxy/client-address.ts';
import { useByReason } from '../scheme/reasons.ts';
import { findScheme } from '../scheme/scheme.ts';
import type { RoutedRequest } from './exchange.ts';
import type { Bringer } from './limits/payment-budget.ts';
import { ALREADY_USED } from './read-payment.ts';
import { registeredReader } from './reader-for.ts';
import type { Services } from './runtime.ts';
import type { AuthorizedPayment, BroughtPayment, Refusal } from './stages.ts';

/*
 * Payments whose settlement alone decides. With `settle: before` nothing is delivered before the money moved, so that a
 * verification only tells earlier what the settlement tells as well. It is skipped where the gateway has checked all
 * that can be checked without the chain: the account's own signature, amount, recipient, asset, network and time.
 *
 *   authorize  signature proved, no row in the ledger
 *   claim      nothing → settling
 *   charge     settling with the attempt → delivering | failed | unknown
 *
 * | killed | the row says | what recovery makes of it |
 * |---|---|---|
 * | before the claim | nothing | nothing |
 * | before the attempt was written down | `settling`, no attempt | `failed`: no money was asked for |
 * | before `/settle` was answered | `settling` with the attempt | what the chain, or the facilitator asked again, proves |
 * | after it was refused | the same, or `failed` | the same proof: the authorization is unused, and stays so |
 *
 * When a payment with a `failed` row comes again, it is verified: no money is asked for twice without a verification.
 * Only the account's owner can cause a row for it, since the signature is proved before the claim.
 */

/**
 * The facilitator that settles a payment without verifying it first; `undefined` where it has to be verified.
 *
 * @throws GatewayError `store_unavailable`
 */
export async function settlerOfUnverified(
  request: RoutedRequest,
  { payment }: BroughtPayment,
  services: Pick<Services, 'schemes' | 'answerReaders' | 'ledger'>,
): Promise<Facilitator | undefined> {
  const { price, runtime } = request;
  const { offer, authorization } = payment;
  if (price.settle !== 'before' || price.verify === 'always' || !authorization.proved) return undefined;
  // Transfers by somebody else are served then, and only a verification finds them.
  if (runtime.plan.foreignTransfers === 'serve') return undefined;
  if (findScheme(services.schemes, offer.scheme, offer.network)?.leavesOnlyTheChain?.(offer) !== true) return undefined;
  if (isSaidByAnswer(request, offer, services)) return undefined;
  // It may have been served: a facilitator that repeats an earlier success would have it served again.
  if (await services.ledger.mayHaveForgotten(authorization.expiresAt)) return undefined;
  return runtime.facilitators.takingUnverified(payment);
}

/**
 * The first facilitator to ask for a verification while the upstream works on the call; `undefined` where the call has
 * to wait. Only for safe calls, since the call of a refused payment was made for nothing. Only for proved signatures,
 * since the payment is claimed before a facilitator judges it.
 */
export function verifierBeside(
  request: RoutedRequest,
  { payment }: BroughtPayment,
  services: Pick<Services, 'answerReaders'>,
): Facilitator | undefined {
  const { price, runtime, method, head } = request;
  const { offer, authorization } = payment;
  if (price.settle !== 'after' || price.verify !== 'alongside' || !authorization.proved) return undefined;
  if ((method !== 'GET' && method !== 'HEAD') || head.headers['upgrade'] !== undefined) return undefined;
  if (runtime.plan.foreignTransfers === 'serve' || isSaidByAnswer(request, offer, services)) return undefined;
  return runtime.facilitators.firstFor(offer);
}

/** Whether the answer says what it costs: then it comes before the money, whatever the price says. */
function isSaidByAnswer(request: RoutedRequest, offer: Offer, services: Pick<Services, 'answerReaders'>): boolean {
  return request.answerReader !== undefined || registeredReader(request, { offer }, services) !== undefined;
}

/** The sender of a payment, as budgets distinguish senders. */
export function bringerOf(
  { head, runtime }: RoutedRequest,
  { payment: { authorization } }: Pick<BroughtPayment, 'payment'>,
): Bringer {
  const { payer, proved } = authorization;
  return { group: clientGroup(head, runtime.trustedPeers), payer, proved };
}

/**
 * Notes the outcome of an unverified payment's settlement in its sender's budget and in the memory of refusals, like
 * the result of a verification. To be called once the outcome is written down.
 *
 * @returns the refusal, where it is another than that of a settlement which failed
 * @throws GatewayError the facilitator's fault where it was not reached: nothing was sent, and no payment was refused
 */
export function noteSettlement(
  request: RoutedRequest,
  authorized: AuthorizedPayment,
  outcome: SettlementOutcome,
  { limiters: { budget, refusals } }: Pick<Services, 'limiters'>,
): Refusal | undefined {
  const { facilitators, plan } = request.runtime;
  const { payment } = authorized;
  const bringer = bringerOf(request, authorized);
  const { refusalsPerMinute } = plan.limits;
  if (outcome.kind === 'settled') {
    budget.wasGood(bringer, refusalsPerMinute);
    return undefined;
  }
  const { kind, reason } = outcome;
  if (kind === 'failed') throwUnreached(reason);
  if (isRefusal(outcome)) budget.wasRefused(bringer, refusalsPerMinute);
  if (kind === 'unknown') return undefined;
  refusals.remember(facilitators, payment, { reason });
  return useByReason(reason) === 'gone' ? ALREADY_USED : undefined;
}

/** Whether a facilitator refused the payment; faults and pending settlements do not count as refusals. */
function isRefusal(outcome: Exclude<SettlementOutcome, { kind: 'settled' }>): boolean {
  const { kind, reason, transaction } = outcome;
  if (kind === 'failed') return true;
  return transaction === undefined && reason !== 'settlement_pending' && !Object.hasOwn(ERROR_CODES, reason);
}

function throwUnreached(reason: string): void {
  if (reason === 'facilitator_unreachable' || reason === 'facilitator_timeout') throw new GatewayError(reason);
}
