import type { Offer } from '../domain/offer.ts';
import type { PaymentKey } from '../domain/payment.ts';
import { decodeEvidence } from '../domain/payment-evidence.ts';
import { isClaimable } from '../domain/payment-state.ts';
import type { JsonObject } from '../domain/x402.ts';
import { findScheme } from '../scheme/scheme.ts';
import type { Services } from './runtime.ts';

/** The offer of an earlier payment by this payload. */
export type EarlierOffer =
  | { readonly kind: 'none' }
  | { readonly kind: 'found'; readonly offer: Offer }
  /** The payment is over, and its offer is no longer in the ledger. */
  | { readonly kind: 'forgotten' }
  /** Another request has brought it, and its payment is in doubt, owed or over. */
  | { readonly kind: 'elsewhere' };

/**
 * Finds the offer of a payment that pays no offer in force, where this very request has brought it before: a price, a
 * token or a fact of the facilitator has changed since. While its payment is in doubt, or its answer is owed, the buyer
 * must not be told a new price.
 *
 * The payload is not checked here: whoever names the nonce of another's payment is refused by the comparison with the
 * offer that is found.
 *
 * @param offers those in force; the payment key depends on their networks and assets only
 * @param fingerprint the request that the payment has to be bound to
 * @throws GatewayError `store_unavailable`
 */
export async function earlierOffer(
  payload: JsonObject,
  offers: readonly Offer[],
  fingerprint: string,
  { schemes, ledger }: Pick<Services, 'schemes' | 'ledger'>,
): Promise<EarlierOffer> {
  const keys = new Set<PaymentKey>();
  for (const offer of offers) {
    const key = findScheme(schemes, offer.scheme, offer.network)?.paymentKey(payload, offer);
    if (key !== undefined) keys.add(key);
  }
  let isElsewhere = false;
  for (const key of keys) {
    const record = await ledger.find(key);
    if (record === undefined || isClaimable(record.state)) continue;
    if (record.fingerprint !== fingerprint) {
      isElsewhere = true;
      continue;
    }
    const evidence = record.evidence === undefined ? undefined : decodeEvidence(record.evidence);
    return evidence === undefined ? { kind: 'forgotten' } : { kind: 'found', offer: evidence.payment.offer };
  }
  return { kind: isElsewhere ? 'elsewhere' : 'none' };
}
