import { networkFamily } from '../../domain/network.ts';
import type { Offer } from '../../domain/offer.ts';
import { isJsonObject } from '../../domain/payment.ts';
import type { Json, JsonObject, PaymentRequirements } from '../../domain/x402.ts';
import { decodeHeaderJson, encodeHeaderJson } from '../header-json.ts';
import type { Protocol } from '../protocol.ts';
import { readPaymentPayload } from './payment-payload.ts';

/**
 * x402 version 2 on HTTP.
 *
 * @see x402 specification, `transports-v2/http.md`
 */
export const x402V2: Protocol = {
  version: 2,
  requestHeader: 'payment-signature',
  responseHeader: 'PAYMENT-RESPONSE',
  decode(header) {
    const decoded = decodeHeaderJson(header);
    return decoded.ok ? readPaymentPayload(decoded.value) : { kind: 'malformed', detail: decoded.wrong };
  },
  match(submission, offers, resourceUrl) {
    if (submission.version !== 2) return { kind: 'refused', reason: 'invalid_x402_version' };
    const { accepted, resource } = submission.payload;
    if (!isForResource(resource, resourceUrl)) return { kind: 'refused', reason: 'resource_mismatch' };
    const matched = offers.filter((offer) => pays(accepted, offer));
    return matched.length > 0
      ? { kind: 'matched', offers: matched }
      : { kind: 'refused', reason: mismatchReason(accepted, offers) };
  },
  encodeSettlement: (response) => encodeHeaderJson(response),
};

/** Whether the echoed requirement is our offer. Clients may add to `extra`; EVM addresses may change their casing. */
function pays(accepted: PaymentRequirements, offer: Offer): boolean {
  const ours = offer.requirements;
  const sameText = networkFamily(offer.network) === 'eip155' ? sameAddress : isEqual;
  return (
    accepted.scheme === ours.scheme &&
    accepted.network === ours.network &&
    accepted.amount === ours.amount &&
    accepted.maxTimeoutSeconds === ours.maxTimeoutSeconds &&
    sameText(accepted.asset, ours.asset) &&
    sameText(accepted.payTo, ours.payTo) &&
    contains(accepted.extra, ours.extra)
  );
}

function mismatchReason(accepted: PaymentRequirements, offers: readonly Offer[]): string {
  if (!offers.some((offer) => offer.scheme === accepted.scheme)) return 'unsupported_scheme';
  if (!offers.some((offer) => offer.network === accepted.network)) return 'invalid_network';
  return 'invalid_payment_requirements';
}

/**
 * A payment that names another resource was meant for another resource. The signature does not bind it, so that it is
 * no proof of anything; leaving it out is allowed.
 */
function isForResource(resource: JsonObject | undefined, resourceUrl: string): boolean {
  const url = resource?.['url'];
  if (url === undefined) return true;
  if (typeof url !== 'string' || !URL.canParse(url)) return false;
  return url === resourceUrl || new URL(url).pathname === new URL(resourceUrl).pathname;
}

/** Whether `ours` is a part of `theirs`: every key of ours there with an equal value, objects compared in the same way. */
function contains(theirs: Json | undefined, ours: Json): boolean {
  if (isJsonObject(ours)) {
    return isJsonObject(theirs) && Object.entries(ours).every(([key, value]) => contains(theirs[key], value));
  }
  return JSON.stringify(theirs) === JSON.stringify(ours);
}

function sameAddress(theirs: string, ours: string): boolean {
  return theirs.toLowerCase() === ours.toLowerCase();
}

function isEqual(theirs: string, ours: string): boolean {
  return theirs === ours;
}
