import { hash } from 'node:crypto';
import { networkFamily } from '../../domain/network.ts';
import type { Offer } from '../../domain/offer.ts';
import { canonicalJson, isJsonObject, type PaymentKey, UNNAMED_PAYER } from '../../domain/payment.ts';
import type { Json, JsonObject } from '../../domain/x402.ts';
import type { Authentication, Scheme } from '../scheme.ts';

/**
 * Where the payloads of families that others define hold what the payer signed: base64, one text or a list. Whatever
 * stands beside it says nothing, so that it does not make another payment of the same transaction.
 */
const SIGNED_PART: Readonly<Record<string, string>> = {
  algorand: 'paymentGroup',
  aptos: 'transaction',
  hedera: 'transaction',
  stellar: 'transaction',
};

/**
 * The `exact` scheme on families whose payloads this gateway does not read: a remote facilitator is the only judge of
 * what was signed, by whom, and what it moves.
 *
 * The payment key is the digest of the part that holds the signed transaction where its place is known, else of the whole
 * payload. Who pays is known when the facilitator has verified.
 *
 * @see x402 specification, `schemes/exact/scheme_exact_{stellar,algo,aptos,hedera}.md`
 */
export function createExactAny(): Scheme {
  return {
    scheme: 'exact',
    family: undefined,
    unchecked: 'what a payment signs is not read here: the facilitator alone says whether it pays, and who did',
    extra: () => ({}),
    facts: (extra) => extra,
    authenticate,
  };
}

function authenticate(payload: JsonObject, offer: Offer, now: number): Authentication {
  const part = SIGNED_PART[networkFamily(offer.network)];
  const signed = part === undefined ? payload : payload[part];
  if (part !== undefined && !isTransaction(signed)) {
    return { kind: 'malformed', detail: `payload.${part} is not base64` };
  }
  if (isJsonObject(signed) && Object.keys(signed).length === 0) {
    return { kind: 'malformed', detail: 'payload is empty' };
  }
  return {
    kind: 'authentic',
    authorization: {
      key: `${offer.network}|${hash('sha256', canonicalJson(signed ?? null))}` as PaymentKey,
      payer: UNNAMED_PAYER,
      expiresAt: Math.floor(now) + offer.maxTimeoutSeconds,
      digest: hash('sha256', canonicalJson(payload)),
      proved: false,
    },
  };
}

function isTransaction(value: Json | undefined): boolean {
  if (Array.isArray(value)) return value.length > 0 && value.every((one: Json) => isBase64(one));
  return value !== undefined && isBase64(value);
}

/** One text stands for the bytes: a second spelling would be a second payment with one transaction. */
function isBase64(value: Json): boolean {
  return typeof value === 'string' && value !== '' && Buffer.from(value, 'base64').toString('base64') === value;
}
