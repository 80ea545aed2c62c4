import { UNNAMED_PAYER } from '../domain/payment.ts';
import type { PaymentRecord } from '../domain/payment-record.ts';
import { isClaimable } from '../domain/payment-state.ts';
import type { ForeignTransfer } from '../facilitator/facilitator.ts';
import { type UseByReason, useByReason } from '../scheme/reasons.ts';
import type { RoutedRequest } from './exchange.ts';
import { resolveHeldPayment } from './held-payment.ts';
import type { RefusalReason } from './limits/refusal-memory.ts';
import { ALREADY_USED, readPayment, refusePayment } from './read-payment.ts';
import type { OpenPrice, Services } from './runtime.ts';
import type { AuthorizedPayment, AuthorizeResult, BroughtPayment, CollectablePayment, Refusal } from './stages.ts';
import { timeWords } from './time-words.ts';
import { kindOf, traced } from './traced.ts';
import { bringerOf, settlerOfUnverified, verifierBeside } from './unverified.ts';

/** How a payment is judged. */
export interface Judging {
  /** `always` asks a facilitator even where the settlement would decide alone: for callers that settle nothing. */
  readonly verify: 'as_priced' | 'always';
}

/**
 * Reads the payment, looks it up in the ledger, and only then asks a facilitator. No facilitator is asked where the
 * settlement decides alone ({@link settlerOfUnverified}).
 *
 * @throws GatewayError `payment_header_repeated`, and the facilitator's and the ledger's faults
 */
export async function authorize(
  request: RoutedRequest,
  open: OpenPrice,
  services: Services,
  judging: Judging = { verify: 'as_priced' },
): Promise<AuthorizeResult> {
  return await traced(request.notes.trace, 'authorize', () => judge(request, open, services, judging), kindOf);
}

async function judge(
  request: RoutedRequest,
  open: OpenPrice,
  services: Services,
  judging: Judging,
): Promise<AuthorizeResult> {
  const brought = await readPayment(request, open, services);
  if (brought.kind === 'refusal') return brought;
  const { facilitators } = request.runtime;
  // Read before the ledger is asked, and used after it: newer facts of the ledger count for more.
  const refusedBefore = services.limiters.refusals.recall(facilitators, brought.payment);
  // The ledger is asked before the time limit counts: a payment that has run out can still collect what it bought.
  const record = await services.ledger.find(brought.payment.authorization.key);
  const known = record && (await heldBy(record, request, brought, services));
  if (known !== undefined) return known;
  if (brought.lapsed !== undefined) return await refuseLapsed(request, brought, brought.lapsed, services);
  if (refusedBefore !== undefined) return refuse(refusedBefore);
  // Where the key has a row already, the payment is verified: an earlier request had it, and its money did not move.
  const isNew = record === undefined && judging.verify === 'as_priced';
  const refused = admit(request, brought, services);
  if (refused !== undefined) return refused;
  const early = isNew ? await unverified(request, brought, services) : undefined;
  return early ?? (await verify(request, brought, services));
}

/** Authorizes a claim without a verification, or before it; `undefined` where a facilitator has to verify first. */
async function unverified(
  request: RoutedRequest,
  brought: BroughtPayment,
  services: Services,
): Promise<AuthorizedPayment | undefined> {
  const { payment, protocol, fingerprint, identifier } = brought;
  const taken = { kind: 'authorized', payment, protocol, fingerprint, identifier } as const;
  const settler = await settlerOfUnverified(request, brought, services);
  if (settler !== undefined) return { ...taken, facilitator: settler, unverified: true };
  const facilitator = verifierBeside(request, brought, services);
  if (facilitator === undefined) return undefined;
  return { ...taken, facilitator, verifyBeside: () => verify(request, brought, services, 'claimed') };
}

/**
 * Refuses a payment that buys nothing any more, by its time or by the offers of today. Somebody else may have sent it to
 * the chain before, with the buyer's money: then it gets no new offer. The look counts as a refusal, so that the node is
 * asked no more often than a facilitator.
 *
 * @throws GatewayError the facilitator's faults when it cannot look
 */
async function refuseLapsed(
  request: RoutedRequest,
  brought: BroughtPayment,
  reason: string,
  services: Services,
): Promise<Refusal> {
  const { payment } = brought;
  const { facilitators, plan } = request.runtime;
  const refused = admit(request, brought, services);
  if (refused !== undefined) return refused;
  const { kind } = await facilitators.findForeign(payment, request.clientGone.signal);
  if (kind !== 'unseen')
    services.limiters.budget.wasRefused(bringerOf(request, brought), plan.limits.refusalsPerMinute);
  if (kind === 'unclear') return NOT_SEEN_YET;
  if (kind === 'used' || kind === 'found') return ALREADY_USED;
  return refusePayment(reason, timeWords(reason, payment.authorization.expiresAt, services.clock()));
}

/** Refuses a payment whose sender has used up its budget of refusals; `undefined` where a facilitator may be asked. */
function admit(request: RoutedRequest, brought: BroughtPayment, { limiters }: Services): Refusal | undefined {
  const { refusalsPerMinute } = request.runtime.plan.limits;
  const waitSeconds = limiters.budget.admit(bringerOf(request, brought), refusalsPerMinute);
  return waitSeconds === undefined ? undefined : tooManyPayments(waitSeconds);
}

/**
 * Asks a facilitator about a payment that the budget admits.
 *
 * @param row whether this request holds the payment already
 */
async function verify(
  request: RoutedRequest,
  brought: BroughtPayment,
  services: Services,
  row: 'none' | 'claimed' = 'none',
): Promise<AuthorizeResult> {
  const { payment } = brought;
  const { facilitators, plan } = request.runtime;
  const { budget, refusals } = services.limiters;
  const bringer = bringerOf(request, brought);
  const { refusalsPerMinute } = plan.limits;
  const { verification, facilitator } = await traced(
    request.notes.trace,
    'verify',
    () => facilitators.verify(payment, request.clientGone.signal),
    (verified) => ({
      outcome: verified.verification.kind,
      facilitator: verified.facilitator.name,
      network: payment.offer.network,
    }),
  );
  request.notes.catalogued = facilitator.catalogued?.(payment);
  if (verification.kind === 'valid') {
    budget.wasGood(bringer, refusalsPerMinute);
    request.notes.payer = verification.payer;
    return { ...withPayer(brought, verification.payer), kind: 'authorized', facilitator };
  }
  // A copy of this payment may have been settled meanwhile: then "already used" comes from the gateway's own
  // settlement, and is no refusal.
  const held = row === 'none' ? await findHeld(request, brought, services) : undefined;
  if (held !== undefined) return held;
  // The payment may have been served and then forgotten by a clock that ran ahead: a new offer would make its buyer pay
  // twice.
  if (await services.ledger.mayHaveForgotten(payment.authorization.expiresAt)) return ALREADY_USED;
  const foreign = await findForeign(request, brought, verification.reason).catch((fault: unknown) => {
    // Counted as refused: an outage of the node must not make refusals free.
    budget.wasRefused(bringer, refusalsPerMinute);
    throw fault;
  });
  if (foreign.kind === 'found') {
    budget.wasGood(bringer, refusalsPerMinute);
    return { ...withPayer(brought, payment.authorization.payer), kind: 'authorized', facilitator, foreign };
  }
  budget.wasRefused(bringer, refusalsPerMinute);
  const inUse = refuseByUse(foreign, useByReason(verification.reason));
  if (inUse !== undefined) return inUse;
  // A payment that is unused now can be used a moment later: the chain is asked again.
  if (foreign.kind !== 'unused') refusals.remember(facilitators, payment, verification);
  return refuse(verification);
}

/**
 * Checks whether somebody else has sent this payment to the chain. It is served only where the operator allows it, for
 * a gateway with a payee of its own: anybody who reads the transfer on the chain can bring such a payment. Only fixed
 * prices and proved signatures qualify; a price that depends on the answer is not paid yet.
 *
 * Where the facilitator's reason leaves open whether the payment was used, such as want of money, the chain is asked in
 * any case, also for maximums and for accounts that only the chain can judge: a used payment gets no new offer.
 * Nothing is written down, so a crash changes nothing: the same payment is judged anew.
 *
 * @throws GatewayError the facilitator's faults: nothing is claimed
 */
async function findForeign(
  { runtime, price, clientGone }: RoutedRequest,
  { payment }: BroughtPayment,
  reason: string,
): Promise<ForeignTransfer> {
  const mayBe = payment.authorization.proved && payment.offer.scheme === 'exact';
  const isWanted = mayBe && runtime.plan.foreignTransfers === 'serve' && price.metering === undefined;
  const use = useByReason(reason);
  if (use === undefined || (use === 'gone' && !isWanted)) return { kind: 'none' };
  const found = await runtime.facilitators.findForeign(payment, clientGone.signal);
  return found.kind === 'found' && !isWanted ? { kind: 'used' } : found;
}

/**
 * The refusal of a payment that the chain shows used, or that it will: where the facilitator has seen a use, or want of
 * money that the node does not see, the node is behind. `undefined` where the facilitator's own refusal stands.
 */
function refuseByUse(foreign: ForeignTransfer, use: UseByReason | undefined): Refusal | undefined {
  if (foreign.kind === 'used') return ALREADY_USED;
  if (foreign.kind === 'unseen') return use === 'likely_gone' ? ALREADY_USED : undefined;
  if (foreign.kind === 'unclear') return NOT_SEEN_YET;
  if (foreign.kind !== 'unused' || use === 'open') return undefined;
  return foreign.lacks && use !== 'gone' ? undefined : NOT_SEEN_YET;
}

/** Not cached: a moment later the chain may say more. */
const NOT_SEEN_YET: Refusal = {
  kind: 'refusal',
  code: 'settlement_unknown',
  reason: 'settlement_pending',
  retryAfterSeconds: 2,
};

/**
 * Refuses a payment that the ledger does not know. If its authorization is used, it may have paid the seller all the
 * same: anybody can send it to the chain, with the buyer's signature, before its request is here. A new offer would
 * make its buyer pay twice.
 *
 * It is not served either, unless {@link findForeign} finds what was paid. All facts of such a transfer are public: the
 * settlements of another gateway, or of any other service with the same `payTo` and price, look the same, and anybody
 * who reads them on the chain could bring them here.
 *
 * That holds for an unproved signature too, such as a smart account's, which only the chain can judge: whether a nonce
 * is used is public, so that a forger learns nothing and gets nothing.
 */
function refuse({ reason, words }: RefusalReason): Refusal {
  return useByReason(reason) === 'gone' ? ALREADY_USED : refusePayment(reason, words);
}

/** The facts of a brought payment that a claim needs. */
type Brought = Pick<BroughtPayment, 'payment' | 'protocol' | 'fingerprint' | 'identifier'>;

/**
 * Takes the payer from the facilitator where the payment cannot be read here; the buyer's own id is bound to that
 * payer.
 */
function withPayer({ payment, protocol, fingerprint, identifier }: Brought, payer: string): Brought {
  const { authorization } = payment;
  if (authorization.payer !== UNNAMED_PAYER) return { payment, protocol, fingerprint, identifier };
  return {
    payment: { ...payment, authorization: { ...authorization, payer } },
    protocol,
    fingerprint,
    identifier: identifier === undefined ? undefined : `${payer}${identifier}`,
  };
}

/** Makes no offer: the payment was not judged, and may be valid when it is sent again. */
function tooManyPayments(retryAfterSeconds: number): Refusal {
  return {
    kind: 'refusal',
    code: 'too_many_payments',
    reason: 'too_many_payments',
    retryAfterSeconds,
  };
}

/**
 * Looks the payment up in the ledger. Only a payment with a proved signature, or with the very payload that was
 * claimed, finds its row: a forged payment that names another buyer's nonce must not see or collect what that nonce
 * bought.
 */
export async function findHeld(
  request: RoutedRequest,
  brought: BroughtPayment,
  services: Services,
): Promise<CollectablePayment | Refusal | undefined> {
  const record = await services.ledger.find(brought.payment.authorization.key);
  return record && (await heldBy(record, request, brought, services));
}

async function heldBy(
  record: PaymentRecord,
  request: RoutedRequest,
  brought: BroughtPayment,
  services: Services,
): Promise<CollectablePayment | Refusal | undefined> {
  const { authorization } = brought.payment;
  if (isClaimable(record.state)) return undefined;
  if (!authorization.proved && record.digest !== authorization.digest) return undefined;
  return await resolveHeldPayment(record, withPayer(brought, record.payer), request, services);
}
