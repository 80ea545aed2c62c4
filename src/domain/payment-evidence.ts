import { formatAmount, parseAmount } from '../domain/amount.ts';
import type { Offer } from '../domain/offer.ts';
import type { Payment } from '../domain/payment.ts';

/**
 * Writes down a payment so that its settlement can be asked about after a crash: {@link PaymentClaim.evidence}.
 *
 * Only this process's successors read it, from the ledger: it is our own data, so that reading trusts its shape.
 */
export function encodeEvidence(payment: Payment): string {
  const { offer } = payment;
  return JSON.stringify({ ...payment, offer: { ...offer, amount: formatAmount(offer.amount) } });
}

/** The stored form: a payment whose amount is text. */
type StoredPayment = Omit<Payment, 'offer'> & { readonly offer: Omit<Offer, 'amount'> & { readonly amount: string } };

/** Reads what {@link encodeEvidence} wrote; `undefined` when it was not written by this version of the gateway. */
export function decodeEvidence(text: string): Payment | undefined {
  const stored: StoredPayment = JSON.parse(text);
  const amount = parseAmount(stored.offer?.amount);
  return amount === undefined ? undefined : { ...stored, offer: { ...stored.offer, amount } };
}
