import { createHmac, randomBytes } from 'node:crypto';
import type { TokenKey } from '../store/passes.ts';

/** Bytes of a key's id in a token. */
export const KEY_ID_BYTES = 6;

/** Keys made of one secret, each for one purpose, so that a signature for one purpose is not valid for another. */
export interface SigningKey {
  /** Names the key in tokens: {@link KEY_ID_BYTES} bytes, base64url. Made from the secret, so that replicas agree. */
  readonly id: string;
  readonly tokens: Buffer;
  readonly nonces: Buffer;
}

/**
 * Derives the keys from the configured secrets, or from the store's own.
 *
 * @param secrets base64url of at least 32 bytes each, newest first; the first one signs, all of them are valid
 */
export function signingKeys(secrets: readonly string[]): readonly [SigningKey, ...SigningKey[]] {
  const [first, ...others] = secrets.map(signingKey);
  if (first === undefined) throw new Error('there is no secret to sign access tokens with');
  return [first, ...others];
}

/** A new secret for a store that has none. */
export function createTokenKey(): TokenKey {
  const secret = randomBytes(32).toString('base64url');
  return { id: signingKey(secret).id, secret };
}

function signingKey(secret: string): SigningKey {
  const bytes = Buffer.from(secret, 'base64url');
  return {
    id: derive(bytes, 'key id').subarray(0, KEY_ID_BYTES).toString('base64url'),
    tokens: derive(bytes, 'access token'),
    nonces: derive(bytes, 'sign-in nonce'),
  };
}

function derive(secret: Buffer, purpose: string): Buffer {
  return createHmac('sha256', secret).update(`turnpike ${purpose} v1`).digest();
}
