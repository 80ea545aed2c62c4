import type { Offer } from '../domain/offer.ts';
import type { PaymentSubmission } from '../domain/payment.ts';
import type { SettleResponse } from '../domain/x402.ts';

/** A payment header, decoded or not. */
export type Submitted =
  | { readonly kind: 'submitted'; readonly submission: PaymentSubmission }
  | { readonly kind: 'malformed'; readonly detail: string };

/** Which of our offers a submission can be paying: the candidates, in the order of the price table. */
export type Match =
  | { readonly kind: 'matched'; readonly offers: readonly Offer[] }
  | { readonly kind: 'refused'; readonly reason: string };

/** A version of a payment protocol on HTTP: how payments come in and how their outcome goes out. */
export interface Protocol {
  readonly version: 1 | 2;
  /** Lower-case request header that carries the payment. */
  readonly requestHeader: string;
  /** Response header that carries the settlement. */
  readonly responseHeader: string;
  /** Decodes a header value strictly; the size limit was checked before. */
  decode(header: string): Submitted;
  /** Finds the offers that a submission can pay, comparing with our own table only. */
  match(submission: PaymentSubmission, offers: readonly Offer[], resourceUrl: string): Match;
  /** Writes the value of {@link responseHeader}. */
  encodeSettlement(response: SettleResponse, offer: Offer): string;
}
