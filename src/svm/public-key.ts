import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { fromBase58 } from './base58.ts';

/** What precedes the 32 bytes of an Ed25519 key in its DER form (RFC 8410). */
const DER_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** Bytes of a public key, which is what an address is. */
export const KEY_BYTES = 32;
/** Bytes of an Ed25519 signature, which is also what a transaction is called by. */
export const SIGNATURE_BYTES = 64;

/** Whether a text is the address of an account: base58 of 32 bytes. */
export function isAddress(text: string): boolean {
  return fromBase58(text, KEY_BYTES) !== undefined;
}

/** Whether an account signed a message. `key` has 32 bytes; bytes that are no point of the curve have signed nothing. */
export function hasSigned(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    return verify(null, message, publicKey(key), signature);
  } catch {
    return false;
  }
}

function publicKey(key: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([DER_PREFIX, key]), format: 'der', type: 'spki' });
}

const P = 2n ** 255n - 19n;
/** The curve's constant, −121665/121666 (RFC 8032). */
const D = (P - ((121665n * power(121666n, P - 2n)) % P)) % P;

/**
 * Whether 32 bytes are a point of Ed25519, for which a private key may exist. Addresses that programs derive are not
 * points of the curve.
 *
 * @see RFC 8032 §5.1.3, decoding
 */
export function isOnCurve(key: Uint8Array): boolean {
  const text = Buffer.from(key).reverse();
  text[0] = (text[0] ?? 0) & 0x7f;
  // Solana takes a y that is not reduced, as curve25519-dalek does.
  const y = BigInt(`0x${text.toString('hex')}`) % P;
  const square = (y * y) % P;
  const u = (square - 1n + P) % P;
  const v = (D * square + 1n) % P;
  const xSquare = (u * power(v, P - 2n)) % P;
  // The highest bit holds the sign of x and is removed; for a zero x either sign is decoded.
  if (xSquare === 0n) return true;
  return power(xSquare, (P - 1n) / 2n) === 1n;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let factor = base % P;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * factor) % P;
    factor = (factor * factor) % P;
  }
  return result;
}
