import { GatewayError } from '../domain/gateway-error.ts';
import type { Network } from '../domain/network.ts';
import type { Payment } from '../domain/payment.ts';
import { decodeEvidence, type PaymentEvidence } from '../domain/payment-evidence.ts';
import { amountAsked, isOnCredit, type PaymentRecord, type SettlementAttempt } from '../domain/payment-record.ts';
import { outcomeFor, type SettlementOutcome } from '../domain/settlement.ts';
import type { Facilitator } from '../facilitator/facilitator.ts';
import { type Asking, NOT_REACHED, settleInTurn } from '../facilitator/settle-in-turn.ts';
import type { Transition } from '../store/ledger.ts';
import { SECOND_LOOK_MS } from '../store/upkeep.ts';

/** First and longest wait before an unresolved settlement is looked at again, in milliseconds. */
const FIRST_CHECK_MS = 1000;
const LONGEST_CHECK_MS = 60_000;

/** Looks at a payment after which its debt is no longer asked for: some ten minutes in all. */
const MOST_CHECKS = 16;

/** What the steps below need to resolve an open payment. */
export interface Resolver {
  /** The facilitator that took the payment up; `undefined` when the configuration no longer has it. */
  facilitator(name: string, network: Network): Facilitator | undefined;
  /** The next facilitator for a payment, after the tried ones sent nothing; see {@link Asking.next}. */
  next(payment: Payment, tried: ReadonlySet<Facilitator>, why: unknown): Promise<Facilitator | undefined>;
  /** Writes down an attempt to settle, and its facilitator, before anything is sent. */
  journal(attempt: SettlementAttempt, by: Facilitator): Promise<void>;
  /** Unix milliseconds. */
  readonly now: number;
  /** Ends the look at the facilitator. */
  readonly signal: () => AbortSignal;
}

/** The time of the next look at a settlement that was looked at `checks` times, in Unix milliseconds. */
export function nextCheck(checks: number, now: number): number {
  return now + Math.min(FIRST_CHECK_MS * 2 ** Math.min(checks, 10), LONGEST_CHECK_MS);
}

/**
 * The next step of a payment whose money was asked for, by proof: at most the same attempt is sent again.
 *
 * @throws GatewayError the facilitator's fault when it cannot look now
 */
export async function stepByProof(record: PaymentRecord, resolver: Resolver): Promise<Transition> {
  const outcome = await findOutcome(record, resolver);
  // Nothing moved, as after a crash between writing and sending: the money for an answer on credit is still owed. If
  // the payment has become worthless, the settlement will show that.
  const onCredit = evidenceOf(record)?.settle === 'deferred' || (isByAnswer(record) && isOnCredit(record));
  if (outcome.kind === 'failed' && onCredit && canBePaid(record, resolver.now)) {
    return { to: 'owed', reason: outcome.reason, checkAt: resolver.now };
  }
  return stepAfter(outcome, record, resolver.now);
}

/**
 * The time to ask for a debt again, in Unix milliseconds: a payer that gets the money later pays with the same
 * signature. 0, for never, once the authorization has expired or after {@link MOST_CHECKS} looks.
 *
 * Never, too, for an answer that broke off: its payment buys nothing any more, and its buyer is told the price again.
 * Asked for later, it would be charged beside the payment that was made in its place.
 *
 * | killed | the row says | what recovery does |
 * |---|---|---|
 * | before the step to `defaulted` | `settling` with the attempt | looks for the outcome, and asks once more if nothing was sent |
 * | after it | `defaulted`, and the time of the next look, if there is one | asks again then, or never |
 */
function nextDun(record: PaymentRecord, now: number): number {
  const isHad = record.answered || record.leftEarly;
  return isHad && canBePaid(record, now) && record.checks < MOST_CHECKS ? nextCheck(record.checks, now) : 0;
}

function canBePaid({ expiresAt }: PaymentRecord, now: number): boolean {
  return now < expiresAt * 1000;
}

/**
 * The facilitator that settles a debt: the one that took the payment up; or, where the configuration no longer has it,
 * the first that finds the payment good. Nothing of a debt was sent, so that any facilitator may settle it; until the
 * attempt is written down, the row names the old one.
 *
 * | killed | the row says | what recovery does |
 * |---|---|---|
 * | before the attempt was written down | `owed` or `defaulted`, and the old facilitator | looks for a facilitator once more |
 * | after it | `settling`, the new facilitator and its attempt | asks the new one |
 */
export async function settlerOf(record: PaymentRecord, resolver: Resolver): Promise<Facilitator | undefined> {
  const own = resolver.facilitator(record.facilitator, record.network);
  const evidence = own === undefined ? evidenceOf(record) : undefined;
  return evidence === undefined
    ? own
    : await resolver.next(evidence.payment, new Set(), new Error('facilitator_not_configured'));
}

/**
 * Settles a payment whose answer went out on credit; its row comes to `settling` with the attempt. A payment that was
 * declined before anything was sent, or that did not reach the facilitator, is tried again later.
 *
 * @param payment as the row's evidence says
 */
export async function stepBySettling(
  record: PaymentRecord,
  resolver: Resolver,
  payment: Payment | undefined = evidenceOf(record)?.payment,
): Promise<Transition> {
  const facilitator = resolver.facilitator(record.facilitator, record.network);
  const amount = amountAsked(record);
  const checkAt = nextCheck(record.checks, resolver.now);
  if (payment === undefined) return { to: 'unknown', reason: 'evidence_unreadable', checkAt };
  if (facilitator === undefined) return stepUnsent(record, 'facilitator_not_configured', resolver.now);
  try {
    const { journal } = resolver;
    const next: Asking['next'] = (tried, why) => resolver.next(payment, tried, why);
    // An attempt stays in the row of a debt of which nothing was sent.
    const asking = record.attempt === undefined ? 'first' : 'again';
    const outcome = await settleInTurn({ payment, amount, facilitator, asking, journal, next });
    return outcome.kind === 'failed' && NOT_REACHED.has(outcome.reason)
      ? stepUnsent(record, outcome.reason, resolver.now)
      : stepAfter(outcome, record, resolver.now);
  } catch (fault) {
    if (!(fault instanceof GatewayError)) return { to: 'unknown', reason: 'unexpected_settle_error', checkAt };
    if (fault.code === 'facilitator_overloaded') return stepUnsent(record, fault.code, resolver.now);
    throw fault;
  }
}

/**
 * The step of a debt of which nothing was sent. Its answer is out: a facilitator that is away or refuses for a while must
 * not make it free, as long as it can be paid at all. After that nothing can move any more.
 *
 * | killed | the row says | what recovery does |
 * |---|---|---|
 * | before this step | `owed`, or `settling` with the attempt | looks for the outcome; where a chain shows that nothing moved, the debt is owed again, or `defaulted` once its payment has ended |
 * | after it | `owed` and the time of the next look, or `defaulted` | asks again then, or never |
 */
export function stepUnsent(record: PaymentRecord, reason: string, now: number): Transition {
  return canBePaid(record, now)
    ? { to: 'owed', reason, checkAt: nextCheck(record.checks, now) }
    : stepAfter({ kind: 'failed', reason }, record, now);
}

function isByAnswer(record: PaymentRecord): boolean {
  return evidenceOf(record)?.settle === 'by_answer';
}

/**
 * The step of a payment whose answer may have arrived before its process ended: never a second call of an unsafe
 * method.
 */
export function stepOfDelivery(record: PaymentRecord): Transition {
  const to = evidenceOf(record)?.repeatable === true ? 'undelivered' : 'delivery_unknown';
  return { to, reason: 'the process that delivered it is gone' };
}

/**
 * Finds out what became of a settlement.
 *
 * @throws GatewayError the facilitator's fault when it cannot look now
 */
export async function findOutcome(
  record: PaymentRecord,
  { facilitator, signal }: Resolver,
): Promise<SettlementOutcome> {
  const evidence = evidenceOf(record);
  const owner = facilitator(record.facilitator, record.network);
  // Neither case ends the payment: an operator can bring the facilitator back.
  if (evidence === undefined) return { kind: 'unknown', reason: 'evidence_unreadable' };
  if (owner === undefined) return { kind: 'unknown', reason: 'facilitator_not_configured' };
  const { attempt, claimedAt, settlement: known } = record;
  const since = Math.min(claimedAt, evidence.movedAt ?? claimedAt);
  const amount = amountAsked(record);
  return outcomeFor(
    amount,
    await owner.resolve({ payment: evidence.payment, amount, attempt, since, known }, signal()),
  );
}

function stepAfter(outcome: SettlementOutcome, record: PaymentRecord, now: number): Transition {
  switch (outcome.kind) {
    case 'settled': {
      const { settlement } = outcome;
      return {
        to: afterSettlement(record),
        settlement,
        reason: 'settled in the background',
        checkAt: now + SECOND_LOOK_MS,
      };
    }
    case 'failed':
      return isOnCredit(record)
        ? { to: 'defaulted', reason: outcome.reason, checkAt: nextDun(record, now) }
        : { to: 'failed', reason: outcome.reason };
    case 'unknown':
      return { to: 'unknown', reason: outcome.reason, checkAt: nextCheck(record.checks, now) };
  }
}

/**
 * The state of a settled payment: whether the buyer has the answer, can get it by another call, or only if it was kept.
 */
function afterSettlement(
  record: PaymentRecord,
): 'delivered' | 'undelivered' | 'delivered_in_part' | 'delivery_unknown' {
  if (record.answered) return 'delivered';
  if (record.leftEarly) return 'delivered_in_part';
  const evidence = evidenceOf(record);
  return evidence?.repeatable === true || evidence?.settle === 'before' ? 'undelivered' : 'delivery_unknown';
}

function evidenceOf(record: PaymentRecord): PaymentEvidence | undefined {
  return record.evidence === undefined ? undefined : decodeEvidence(record.evidence);
}
