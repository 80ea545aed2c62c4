import { restoreOffer, type StoredOffer, storeOffer } from './offer.ts';
import type { Payment } from './payment.ts';
import type { SettleMode } from './route-price.ts';

/** In which order a call is charged: as its route says, or when its answer has said what it costs. */
export type ChargeOrder = SettleMode | 'by_answer';

/** What is written down with a claim so that a payment can be finished by another process. */
export interface PaymentEvidence {
  readonly payment: Payment;
  /** Whether the request can be carried out again without harm, should its answer not have arrived. */
  readonly repeatable: boolean;
  /**
   * The order of the money and the upstream's work. Unless it is `before`, the upstream may have worked whatever the
   * settlement's outcome; with `deferred` the answer is out, and a settlement that did not happen is still owed. With
   * `by_answer` the answer states the charge: an `owed` payment without a charge owes nothing.
   */
  readonly settle: ChargeOrder;
  /**
   * The time at which the money moved, by the chain's clock in Unix milliseconds, where somebody else moved it before
   * the claim: a search for the transfer goes back to it.
   */
  readonly movedAt?: number | undefined;
}

/** The stored form. Read back from our own ledger only, so that its shape can be trusted. */
interface StoredEvidence extends Omit<PaymentEvidence, 'payment'> {
  readonly payment: Omit<Payment, 'offer'> & { readonly offer: StoredOffer };
}

/** Writes evidence as JSON, for {@link PaymentClaim.evidence}. */
export function encodeEvidence({ payment, repeatable, settle, movedAt }: PaymentEvidence): string {
  const stored: StoredEvidence = {
    repeatable,
    settle,
    ...(movedAt === undefined ? {} : { movedAt }),
    payment: { ...payment, offer: storeOffer(payment.offer) },
  };
  return JSON.stringify(stored);
}

/** Reads what {@link encodeEvidence} wrote; `undefined` when another version wrote it in another way. */
export function decodeEvidence(text: string): PaymentEvidence | undefined {
  const { repeatable, settle, movedAt, payment }: StoredEvidence = JSON.parse(text);
  const offer = restoreOffer(payment?.offer);
  return offer === undefined ? undefined : { repeatable, settle, movedAt, payment: { ...payment, offer } };
}
