import type { Brand } from './brand.ts';
import type { Offer } from './offer.ts';
import type { Json, JsonObject, PaymentPayload, PaymentPayloadV1 } from './x402.ts';

/**
 * What makes a payment unique, made only of facts that the payer signed: EIP-3009 `network|asset|from|nonce`, Permit2
 * `network|permit2|from|nonce`. Never header or signature bytes, of which one authorization has unlimited encodings.
 */
export type PaymentKey = Brand<string, 'PaymentKey'>;

/**
 * The payer of a payment that only a facilitator can read: the facilitator names the payer when it has verified the
 * payment.
 */
export const UNNAMED_PAYER = '';

/** What a client sent, decoded and well-formed, before it is matched with one of our offers. */
export type PaymentSubmission =
  | { readonly version: 2; readonly payload: PaymentPayload }
  | { readonly version: 1; readonly payload: PaymentPayloadV1 };

/** A submission that pays one of our offers and passed every check that needs no network. */
export interface Payment {
  readonly submission: PaymentSubmission;
  /** Our own offer: what facilitators are asked about. The client's `accepted` is never passed on. */
  readonly offer: Offer;
  readonly authorization: Authorization;
  /** The absolute URL that is being paid for, as our 402 for this request would state it. */
  readonly resourceUrl: string;
}

/** What a scheme reads out of a payment's payload. */
export interface Authorization {
  readonly key: PaymentKey;
  /** The account that pays, as the address part of CAIP-10; lower case on EVM. Or {@link UNNAMED_PAYER}. */
  readonly payer: string;
  /** Unix seconds after which the authorization can no longer be used. */
  readonly expiresAt: number;
  /** SHA-256 of the canonical payload, hex: tells a repeated payment from another one under the same key. */
  readonly digest: string;
  /**
   * Whether the payer's signature has been proved here. `false` for accounts that only the chain can judge (EIP-1271,
   * EIP-6492): nothing may be disclosed to them or taken from them before a facilitator verified them.
   */
  readonly proved: boolean;
}

/** JSON with its object keys in code-unit order, so that equal values have equal text. */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (isJsonArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  // `sort` compares by code units.
  const members = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key] ?? null)}`);
  return `{${members.join(',')}}`;
}

/** Whether a JSON value is an object (not `null`, not an array). */
export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !isJsonArray(value);
}

function isJsonArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
