import type { Amount } from '../domain/amount.ts';
import type { AnswerOver } from '../domain/payment-record.ts';
import type { RelayOutcome } from '../proxy/upstream-connection.ts';
import { BodyDigest } from './body-digest.ts';
import type { ClaimedPayment } from './claim.ts';
import type { CreditLeave } from './credit-gates.ts';
import { creditMsLeft, cutInTime } from './cut-in-time.ts';
import { hasLeft, keepsAnswer } from './deliver.ts';
import type { RoutedRequest } from './exchange.ts';
import { relay } from './forward.ts';
import { noticeHeaders } from './refusal.ts';
import { isRepeatable } from './repeatable.ts';
import type { Services } from './runtime.ts';
import { serveThenCharge } from './serve-paid.ts';
import { type AuthorizedPayment, type Refusal, type Served, type SettlementNotice, served } from './stages.ts';
import { keepOrRelease, openUnpaid } from './unpaid-answer.ts';
import { withClaim } from './with-claim.ts';

/**
 * `settle: deferred`: the answer goes out at once, the money moves in the background. The debt is written down before
 * the first byte leaves. Above the configured bounds the route settles `after`: the risk stays bounded.
 */
export async function serveOnCredit(
  request: RoutedRequest,
  authorized: AuthorizedPayment,
  services: Services,
): Promise<Served | Refusal> {
  const { creditGate } = services;
  const credit = await takeCredit(request, authorized, services);
  if (credit === undefined) return await serveThenCharge(request, authorized, services);
  try {
    return await withClaim(request, authorized, 'deferred', services, (claimed, placed) =>
      serveOwing(placed, { authorized, claimed, credit }, services),
    );
  } finally {
    creditGate.release(credit);
  }
}

/**
 * Permission to answer before the money moves, within the bounds of the configuration; `undefined` above them, and
 * where the payment would expire too soon after.
 */
export async function takeCredit(
  { runtime }: RoutedRequest,
  { payment }: AuthorizedPayment,
  { ledger, creditGate, clock }: Services,
): Promise<CreditLeave | undefined> {
  if (creditMsLeft(payment, clock()) === 0) return undefined;
  const { payer } = payment.authorization;
  return await creditGate.take({ payer, offer: payment.offer }, runtime.plan.deferred, ledger);
}

/** A payment whose answer goes out before its money moves. */
interface Advance {
  readonly authorized: AuthorizedPayment;
  readonly claimed: ClaimedPayment;
  readonly credit: CreditLeave;
}

async function serveOwing(
  request: RoutedRequest,
  { authorized, claimed, credit }: Advance,
  services: Services,
): Promise<Served | Refusal> {
  const digest = new BodyDigest(request.body);
  const opened = await openUnpaid(request, claimed, digest);
  if (opened.kind === 'served') return opened;
  const { response } = opened;
  if (keepsAnswer(request) || response.broken) await keepOrRelease(request, claimed, response, digest, services);
  try {
    await claimed.move({ to: 'owed', ...digest.fact });
    services.creditGate.written(credit);
  } catch (fault) {
    response.discard();
    throw fault;
  }
  const callOff = cutInTime({ authorized, response }, services);
  let outcome: RelayOutcome = { kind: 'upstream_broke' };
  try {
    outcome = await relay(request, response, true, noticeHeaders(promise(authorized), response.status));
  } finally {
    callOff();
    // Bytes have gone out, even if the answer broke off. A buyer who got only a part may collect the answer without a
    // new charge.
    await claimed.owe(authorized.payment, endOf(request, outcome), services.debts);
  }
  return served(outcome.kind === 'complete' ? 'paid' : 'failed');
}

/** How an answer on credit ended. */
function endOf(request: RoutedRequest, outcome: RelayOutcome): AnswerOver {
  if (outcome.kind === 'complete') return { answered: true };
  return hasLeft(request, outcome) && !isRepeatable(request) ? { leftEarly: true } : {};
}

/** The notice for the buyer before anything is broadcast. */
export function promise(
  { protocol, payment }: AuthorizedPayment,
  amount: Amount = payment.offer.amount,
): SettlementNotice {
  const { offer, authorization } = payment;
  return {
    protocol,
    receipt: {
      kind: 'promised',
      network: offer.network,
      v1Network: offer.v1Network,
      payer: authorization.payer,
      amount,
    },
  };
}
