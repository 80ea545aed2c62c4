import { createHmac } from 'node:crypto';
import type { JsonObject } from '../../domain/x402.ts';

/** The content of a signed offer. */
export interface OfferPayload {
  readonly version: number;
  readonly resourceUrl: string;
  readonly scheme: string;
  readonly network: string;
  readonly asset: string;
  readonly payTo: string;
  readonly amount: string;
  /** Unix seconds. */
  readonly validUntil: number;
}

/** The content of a signed receipt. The transaction is beside it, unsigned. */
export interface ReceiptPayload {
  readonly version: number;
  readonly network: string;
  readonly resourceUrl: string;
  readonly payer: string;
  /** Unix seconds. */
  readonly issuedAt: number;
}

/** Signs in one of the forms of the extension. */
export interface ReceiptSigner {
  /** The signed object, as it is sent. */
  offer(payload: OfferPayload): JsonObject;
  receipt(payload: ReceiptPayload): JsonObject;
}

/**
 * The 32 bytes that a key is derived from. They differ between the forms, so that a key of one form reveals nothing of
 * the other.
 *
 * @param secret base64url of at least 32 bytes
 */
export function seedOf(secret: string, purpose: string): Uint8Array {
  return createHmac('sha256', Buffer.from(secret, 'base64url')).update(purpose).digest();
}
