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
 * verification only tells sooner what the settlement tells as well. It is left out where all that can be checked without
 * the chain was checked here: the account's own signature, amount, recipient, asset, network and time.
 *
 *   authorize  signature proved, no row in the ledger
 *   claim      nothing → settling
 *   charge     settling with the attempt → delivering | failed | unknown
 *
 * | killed | the row says | what recovery makes of it |
 * |---|---|---|
 * | before the claim | nothing | nothing |
 * | before the attempt was written down | `settling`, no attempt | `failed`: nobody was asked for the money |
 * | before `/settle` was answered | `settling` with the attempt | what the chain, or the facilitator asked again, proves |
 * | after it was refused | the same, or `failed` | the same proof: the authorization is unused, and stays so |
 *
 * A row that says `failed` sends the same payment through verification when it comes again: nothing is asked for twice
 * without it. Nobody but the account's owner can have a row made for it, since the signature is proved before the claim.
 */

/**
 * Who takes a payment to settle without a verification before it; `undefined` where it has to be verified.
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
  // A verification finds what somebody else has settled, which is served then.
  if (runtime.plan.foreignTransfers === 'serve') return undefined;
  if (findScheme(services.schemes, offer.scheme, offer.network)?.leavesOnlyTheChain?.(offer) !== true) return undefined;
  if (isSaidByAnswer(request, offer, services)) return undefined;
  // It may have been served: a facilitator that repeats an earlier success would have it served again.
  if (await services.ledger.mayHaveForgotten(authorization.expiresAt)) return undefined;
  return runtime.facilitators.takingUnverified(payment);
}

/**
 * Who is asked first to verify a payment while the upstream works on its call; `undefined` where that has to wait. Calls
 * that may be made again without harm only: one that is refused has been made for nothing. Only proved signatures: the
 * payment is claimed before anybody else has judged it.
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

/** Who brings a payment, as far as it matters for what it may cost us. */
export function bringerOf(
  { head, runtime }: RoutedRequest,
  { payment: { authorization } }: Pick<BroughtPayment, 'payment'>,
): Bringer {
  const { payer, proved } = authorization;
  return { group: clientGroup(head, runtime.trustedPeers), payer, proved };
}

/**
 * Takes note of what the settlement of an unverified payment came to, for its bringer's budget and the memory of refusals,
 * as a verification's word would be. To be called once the outcome is written down.
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

/** Whether a facilitator turned the payment down; faults and settlements that are still on their way count for nobody. */
function isRefusal(outcome: Exclude<SettlementOutcome, { kind: 'settled' }>): boolean {
  const { kind, reason, transaction } = outcome;
  if (kind === 'failed') return true;
  return transaction === undefined && reason !== 'settlement_pending' && !Object.hasOwn(ERROR_CODES, reason);
}

function throwUnreached(reason: string): void {
  if (reason === 'facilitator_unreachable' || reason === 'facilitator_timeout') throw new GatewayError(reason);
}
