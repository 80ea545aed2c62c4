/**
 * The x402 wire objects, by the specification's own names and with its own field names.
 *
 * These types describe what *we* write and what has been decoded; untrusted JSON becomes one of them only through the
 * decoders in `src/protocol` and `src/facilitator`.
 *
 * @see https://github.com/x402-foundation/x402/blob/main/specs/x402-specification-v2.md §5
 */

/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A JSON object. */
export type JsonObject = { readonly [key: string]: Json };

/** What is being paid for (v2). */
export interface ResourceInfo {
  readonly url: string;
  readonly description?: string;
  readonly mimeType?: string;
}

/** One way to pay (v2). `amount` is in atomic units as a plain decimal string. */
export interface PaymentRequirements {
  readonly scheme: string;
  readonly network: string;
  readonly amount: string;
  readonly asset: string;
  readonly payTo: string;
  readonly maxTimeoutSeconds: number;
  readonly extra: JsonObject;
}

/**
 * The member of `extra` that tells a buyer when the money moves: `upfront` where a failed call is charged, too. A
 * client prefers offers without it.
 *
 * @see x402 core package, `PaymentFlow`
 */
export const PAYMENT_FLOW = 'paymentFlow';

/** One way to pay (v1). */
export interface PaymentRequirementsV1 {
  readonly scheme: string;
  readonly network: string;
  readonly maxAmountRequired: string;
  readonly resource: string;
  readonly description: string;
  readonly mimeType: string;
  readonly outputSchema?: JsonObject;
  readonly payTo: string;
  readonly maxTimeoutSeconds: number;
  readonly asset: string;
  readonly extra?: JsonObject;
}

/** The v2 challenge, carried base64-encoded in `PAYMENT-REQUIRED`. */
export interface PaymentRequired {
  readonly x402Version: 2;
  readonly error: string;
  readonly resource: ResourceInfo;
  readonly accepts: readonly PaymentRequirements[];
  readonly extensions?: JsonObject;
}

/** A client's signed payment (v2), carried base64-encoded in `PAYMENT-SIGNATURE`. */
export interface PaymentPayload {
  readonly x402Version: 2;
  readonly resource?: JsonObject;
  readonly accepted: PaymentRequirements;
  readonly payload: JsonObject;
  readonly extensions?: JsonObject;
}

/** A client's signed payment (v1), carried base64-encoded in `X-PAYMENT`. */
export interface PaymentPayloadV1 {
  readonly x402Version: 1;
  readonly scheme: string;
  readonly network: string;
  readonly payload: JsonObject;
}

/** A facilitator's answer to `/verify`. */
export interface VerifyResponse {
  readonly isValid: boolean;
  readonly invalidReason?: string;
  readonly invalidMessage?: string;
  readonly payer?: string;
}

/** A facilitator's answer to `/settle`, and what `PAYMENT-RESPONSE` carries to the buyer. */
export interface SettleResponse {
  readonly success: boolean;
  readonly transaction: string;
  readonly network: string;
  readonly payer?: string;
  readonly amount?: string;
  readonly errorReason?: string;
  readonly errorMessage?: string;
  readonly extensions?: JsonObject;
}

/** One triple of `/supported`. */
export interface SupportedKind {
  readonly x402Version: number;
  readonly scheme: string;
  readonly network: string;
  readonly extra?: JsonObject;
  /** Extensions that its facilitator lists beside its triples; absent where it lists none. */
  readonly extensions?: readonly string[];
}
