import { type ErrorCode, GatewayError } from '../domain/gateway-error.ts';
import type { SettlementOutcome } from '../domain/settlement.ts';
import { settleInTurn } from '../facilitator/settle-in-turn.ts';
import type { StageFacts } from '../observe/tracer.ts';
import type { Transition } from '../store/ledger.ts';
import { SECOND_LOOK_MS } from '../store/upkeep.ts';
import type { ClaimedPayment } from './claim.ts';
import type { RoutedRequest } from './exchange.ts';
import { issuePass } from './issue-pass.ts';
import type { Services } from './runtime.ts';
import { deliveredNotice } from './settlement-notice.ts';
import type { AuthorizedPayment, Refusal, SettlementNotice } from './stages.ts';
import { traced } from './traced.ts';
import { noteSettlement } from './unverified.ts';

/** Seconds after which a client may ask about an unresolved settlement again. */
const UNKNOWN_RETRY_SECONDS = 5;
/** Milliseconds until recovery first looks at an unresolved settlement. */
const FIRST_LOOK_MS = 1000;

/** Faults of a facilitator which prove that it has sent nothing. */
const NOTHING_SENT: ReadonlySet<ErrorCode> = new Set(['facilitator_overloaded', 'shutting_down']);

/** The result of a charge: the money moved, or the reason why the request is not served. */
export type ChargeResult = { readonly kind: 'charged'; readonly notice: SettlementNotice } | Refusal;

/** Facts for the row with the step to `settling`; without `asked`, the offer's amount is asked for. */
export type FactsAtSettling = Pick<Transition, 'bodyDigest' | 'asked' | 'usage'>;

/** The same with the amount. */
type AskedFacts = FactsAtSettling & Required<Pick<Transition, 'asked'>>;

/**
 * Settles a payment, and writes the outcome down before the buyer is told. The payment is `settling` already, or
 * `forwarding`: then the step to `settling` writes down the attempt, without which nothing is sent. The amount is
 * written in the same step, so that another process which takes over asks about this amount only.
 *
 * A crash before the attempt was written: nothing was sent, the payment is released. A crash before the request to
 * settle left: the row says `settling`, nothing moved, recovery finds the authorization unused. A crash after it: the
 * row says `settling`, recovery finds the transfer. No new settlement is made: at most the same authorization is sent
 * again.
 *
 * @throws GatewayError `store_unavailable`: the row stays `settling`, and recovery finds the outcome;
 *   `facilitator_overloaded`: nothing was sent, the payment can be used again; likewise `facilitator_unreachable` and
 *   `facilitator_timeout`, of a payment that no facilitator has verified
 */
export async function charge(
  request: RoutedRequest,
  claimed: ClaimedPayment,
  authorized: AuthorizedPayment,
  services: Services,
  digest: FactsAtSettling = {},
): Promise<ChargeResult> {
  const { payment } = authorized;
  const { clock } = services;
  const facts: AskedFacts = { ...digest, asked: digest.asked ?? payment.offer.amount };
  const outcome = await traced(
    request.notes.trace,
    'settle',
    () => settle(request, claimed, authorized, facts),
    (result) => factsOf(result, authorized),
  );
  request.notes.catalogued = authorized.facilitator.catalogued?.(payment) ?? request.notes.catalogued;
  await reachSettling(claimed, facts);
  await claimed.move(stepAfter(outcome, clock()));
  const refused = authorized.unverified ? noteSettlement(request, authorized, outcome, services) : undefined;
  switch (outcome.kind) {
    case 'settled':
      return { kind: 'charged', notice: await noticeWithPass(request, claimed, authorized, services) };
    case 'failed':
      return refused ?? failed(authorized, outcome);
    case 'unknown':
      return {
        kind: 'refusal',
        code: 'settlement_unknown',
        reason: 'settlement_pending',
        retryAfterSeconds: UNKNOWN_RETRY_SECONDS,
      };
  }
}

function stepAfter(outcome: SettlementOutcome, now: number): Transition {
  switch (outcome.kind) {
    case 'settled':
      return { to: 'delivering', settlement: outcome.settlement, checkAt: now + SECOND_LOOK_MS };
    case 'failed':
      return { to: 'failed', reason: outcome.reason };
    case 'unknown':
      return { to: 'unknown', reason: outcome.reason, checkAt: now + FIRST_LOOK_MS };
  }
}

/** It is proved that nothing moved: the price is stated again. */
function failed(
  { protocol, payment: { offer, authorization } }: AuthorizedPayment,
  { reason, transaction }: Extract<SettlementOutcome, { kind: 'failed' }>,
): Refusal {
  const { network, v1Network } = offer;
  const receipt = { kind: 'failed', reason, transaction, network, v1Network, payer: authorization.payer } as const;
  return { kind: 'refusal', code: 'settlement_failed', reason, settlement: { protocol, receipt } };
}

function factsOf(outcome: SettlementOutcome, { facilitator, payment }: AuthorizedPayment): StageFacts {
  const { transaction } = outcome.kind === 'settled' ? outcome.settlement : outcome;
  return { outcome: outcome.kind, facilitator: facilitator.name, network: payment.offer.network, transaction };
}

/**
 * Asks the facilitator for the money; the next facilitator of the list where one has sent nothing. A facilitator that
 * is overloaded has sent nothing. If the ledger could not write the attempt, nothing was sent either. After any other
 * fault the outcome is unknown.
 */
async function settle(
  { runtime, clientGone }: RoutedRequest,
  claimed: ClaimedPayment,
  { facilitator, payment }: AuthorizedPayment,
  facts: AskedFacts,
): Promise<SettlementOutcome> {
  try {
    return await settleInTurn({
      payment,
      amount: facts.asked,
      facilitator,
      journal: (attempt, by) => claimed.move({ to: 'settling', attempt, facilitator: by.name, ...facts }),
      next: (tried, why) => runtime.facilitators.next(payment, tried, why, clientGone.signal),
    });
  } catch (fault) {
    if (!(fault instanceof GatewayError)) return { kind: 'unknown', reason: 'unexpected_settle_error' };
    if (NOTHING_SENT.has(fault.code)) {
      await reachSettling(claimed, facts);
      await claimed.move({ to: 'failed', reason: fault.code });
      throw fault;
    }
    if (fault.meaning.source !== 'facilitator') throw fault;
    return { kind: 'unknown', reason: fault.code };
  }
}

/**
 * Moves a payment to `settling` if its settlement ended without an attempt: somebody else made it, or it was declined.
 */
async function reachSettling(claimed: ClaimedPayment, facts: AskedFacts): Promise<void> {
  if (claimed.record.state === 'forwarding') await claimed.move({ to: 'settling', ...facts });
}

/**
 * The notice for the buyer: the settlement, which is written down, and the pass that it bought. If the pass cannot be
 * written, the payment is left to recovery before anything is sent. The same payment then collects answer and pass;
 * recovery writes the pass of a call that cannot be repeated.
 */
async function noticeWithPass(
  request: RoutedRequest,
  claimed: ClaimedPayment,
  { protocol, payment: { offer } }: AuthorizedPayment,
  services: Services,
): Promise<SettlementNotice> {
  try {
    const pass = await issuePass(request, claimed.record, offer, services);
    return deliveredNotice(request, { record: claimed.record, offer, protocol, pass });
  } catch (fault) {
    claimed.letGo();
    throw fault;
  }
}
