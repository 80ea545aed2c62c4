import { UNNAMED_PAYER } from '../domain/payment.ts';
import { isClaimable } from '../domain/payment-state.ts';
import type { Facilitator, ForeignTransfer } from '../facilitator/facilitator.ts';
import { clientGroup } from '../proxy/client-address.ts';
import { useByReason } from '../scheme/reasons.ts';
import type { RoutedRequest } from './exchange.ts';
import { resolveHeldPayment } from './held-payment.ts';
import type { RefusalReason } from './limits/refusal-memory.ts';
import { readPayment, refusePayment } from './read-payment.ts';
import type { OpenPrice, Services } from './runtime.ts';
import type { AuthorizeResult, BroughtPayment, CollectablePayment, Refusal } from './stages.ts';
import { kindOf, traced } from './traced.ts';

/**
 * Reads the payment, looks whether it is known already, and only then asks a facilitator.
 *
 * @throws GatewayError `payment_header_repeated`, and the facilitator's and the ledger's faults
 */
export async function authorize(request: RoutedRequest, open: OpenPrice, services: Services): Promise<AuthorizeResult> {
  return await traced(request.notes.trace, 'authorize', () => judge(request, open, services), kindOf);
}

async function judge(request: RoutedRequest, open: OpenPrice, services: Services): Promise<AuthorizeResult> {
  const brought = await readPayment(request, open, services);
  if (brought.kind === 'refusal') return brought;
  const { facilitators } = request.runtime;
  // Recalled before the ledger is asked: what it says by then counts for more than a refusal of a moment ago.
  const refusedBefore = services.limiters.refusals.recall(facilitators, brought.payment);
  // Before its time limit counts: what was bought with a payment can be collected when it has run out.
  const known = await findHeld(request, brought, services);
  if (known !== undefined) return known;
  if (brought.lapsed !== undefined) return refusePayment(brought.lapsed);
  if (refusedBefore !== undefined) return refuse(brought, refusedBefore);
  return await verify(request, brought, services);
}

/** Asks a facilitator, within what this client may cost us. */
async function verify(request: RoutedRequest, brought: BroughtPayment, services: Services): Promise<AuthorizeResult> {
  const { payment } = brought;
  const { facilitators, trustedPeers, plan } = request.runtime;
  const { budget, refusals } = services.limiters;
  const { payer, proved } = payment.authorization;
  const bringer = { group: clientGroup(request.head, trustedPeers), payer, proved };
  const { refusalsPerMinute } = plan.limits;
  const waitSeconds = budget.admit(bringer, refusalsPerMinute);
  if (waitSeconds !== undefined) return tooManyPayments(waitSeconds);
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
  // A copy of this payment may have been settled while we asked: then "already used" is our own doing, no refusal.
  const held = await findHeld(request, brought, services);
  if (held !== undefined) return held;
  // Paid once, served, and forgotten by a clock that ran ahead: a new offer would have its buyer pay twice.
  if (await services.ledger.mayHaveForgotten(payment.authorization.expiresAt)) return ALREADY_USED;
  const foreign = await findForeign(request, brought, verification.reason, facilitator).catch((fault: unknown) => {
    // Refused all the same: a node that is away must not make refusals free.
    budget.wasRefused(bringer, refusalsPerMinute);
    throw fault;
  });
  if (foreign.kind === 'found') {
    budget.wasGood(bringer, refusalsPerMinute);
    return { ...withPayer(brought, payer), kind: 'authorized', facilitator, foreign };
  }
  budget.wasRefused(bringer, refusalsPerMinute);
  if (foreign.kind === 'unclear') return NOT_SEEN_YET;
  if (foreign.kind === 'used') return ALREADY_USED;
  refusals.remember(facilitators, payment, verification);
  return refuse(brought, verification);
}

/**
 * Looks whether somebody else has paid with this payment. It is served where the operator wants such payments served:
 * whoever reads them on the chain can bring them, which is for a gateway with a payee of its own. Only fixed prices, and
 * signatures that are proved; what the answer decides has been paid by nobody yet.
 *
 * Where the reason leaves open whether it was used, as on Solana, the chain is asked all the same: a used payment gets
 * no new offer.
 *
 * @throws GatewayError the facilitator's faults: nothing is claimed
 */
async function findForeign(
  { runtime, price, clientGone }: RoutedRequest,
  { payment }: BroughtPayment,
  reason: string,
  facilitator: Facilitator,
): Promise<ForeignTransfer> {
  const isWanted = runtime.plan.foreignTransfers === 'serve' && price.metering === undefined;
  const use = useByReason(reason);
  const mayBe = payment.authorization.proved && payment.offer.scheme === 'exact';
  if (!mayBe || !(use === 'may_be_gone' || (isWanted && use === 'gone'))) return { kind: 'none' };
  const found = (await facilitator.findForeign?.(payment, clientGone.signal)) ?? { kind: 'none' };
  return found.kind === 'found' && !isWanted ? { kind: 'used' } : found;
}

/** Not remembered: a moment later the chain may say more. */
const NOT_SEEN_YET: Refusal = {
  kind: 'refusal',
  code: 'settlement_unknown',
  reason: 'settlement_pending',
  retryAfterSeconds: 2,
};

/**
 * Refuses a payment that no row knows. One whose authorization is gone may have paid the seller all the same: anybody
 * can send it to the chain, with the buyer's signature, before its request is here. A new offer would have its buyer pay
 * twice.
 *
 * It is not served either, unless {@link findForeign} finds what was paid. Everything that such a transfer shows is
 * public: the settlements of another gateway, or of any other service with the same `payTo` and price, look the same, and
 * whoever reads them on the chain could bring them here.
 */
function refuse({ payment }: BroughtPayment, { reason, words }: RefusalReason): Refusal {
  return payment.authorization.proved && useByReason(reason) === 'gone' ? ALREADY_USED : refusePayment(reason, words);
}

const ALREADY_USED: Refusal = { kind: 'refusal', code: 'payment_already_used', reason: 'payment_already_used' };

/** What a payment is taken with. */
type Brought = Pick<BroughtPayment, 'payment' | 'protocol' | 'fingerprint' | 'identifier'>;

/** A payment that cannot be read here is from whom its facilitator says, and so is the buyer's own id in it. */
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

/** Without an offer: the payment was not judged, and may be good when it is sent again. */
function tooManyPayments(retryAfterSeconds: number): Refusal {
  return {
    kind: 'refusal',
    code: 'too_many_payments',
    reason: 'too_many_payments',
    retryAfterSeconds,
  };
}

/**
 * Looks whether the payment is in the ledger. Only a proved signature, or the very payload that was claimed, is told
 * anything: a made-up payment that names somebody else's nonce must not learn of, nor collect, what they bought.
 */
export async function findHeld(
  request: RoutedRequest,
  brought: BroughtPayment,
  services: Services,
): Promise<CollectablePayment | Refusal | undefined> {
  const { authorization } = brought.payment;
  const record = await services.ledger.find(authorization.key);
  if (record === undefined || isClaimable(record.state)) return undefined;
  if (!authorization.proved && record.digest !== authorization.digest) return undefined;
  return await resolveHeldPayment(record, withPayer(brought, record.payer), request, services);
}
