import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { SigningKey } from './token-keys.ts';

/** How long a nonce is valid, in milliseconds: what the official servers allow between challenge and sign-in. */
const LIFETIME_MS = 5 * 60_000;
/** How far the clocks of two replicas may differ, in milliseconds. */
const SKEW_MS = 10_000;
const TIME_BYTES = 6;
const RANDOM_BYTES = 10;
const MAC_BYTES = 16;
const NONCE = /^[0-9a-f]{64}$/;

/** A nonce of ours: when it was issued, and until when it could be used. Unix milliseconds. */
export interface IssuedNonce {
  readonly issuedAt: number;
  readonly until: number;
}

/**
 * Nonces for sign-ins that need no memory until they are used: time, random bits, and our signature over both and their
 * purpose. 64 lower-case hex digits, since EIP-4361 allows letters and digits only.
 */
export class SignInNonces {
  readonly #keys: readonly [SigningKey, ...SigningKey[]];

  /** @param keys newest first; the first one signs, all of them are valid */
  constructor(keys: readonly [SigningKey, ...SigningKey[]]) {
    this.#keys = keys;
  }

  /** Issues a nonce. `purpose` is its only use: a sign-in for one scope is not valid for another. */
  issue(purpose: string, now: number): string {
    const head = Buffer.alloc(TIME_BYTES + RANDOM_BYTES);
    head.writeUIntBE(now, 0, TIME_BYTES);
    randomBytes(RANDOM_BYTES).copy(head, TIME_BYTES);
    return Buffer.concat([head, macOf(head, purpose, this.#keys[0])]).toString('hex');
  }

  /** Reads a nonce of ours that is not too old; `undefined` for any other text. The store knows whether it was used. */
  read(nonce: string, purpose: string, now: number): IssuedNonce | undefined {
    if (!NONCE.test(nonce)) return undefined;
    const bytes = Buffer.from(nonce, 'hex');
    const head = bytes.subarray(0, TIME_BYTES + RANDOM_BYTES);
    const mac = bytes.subarray(TIME_BYTES + RANDOM_BYTES);
    if (!this.#keys.some((key) => timingSafeEqual(macOf(head, purpose, key), mac))) return undefined;
    const issuedAt = head.readUIntBE(0, TIME_BYTES);
    const until = issuedAt + LIFETIME_MS;
    return issuedAt > now + SKEW_MS || until < now ? undefined : { issuedAt, until: until + SKEW_MS };
  }
}

function macOf(head: Buffer, purpose: string, key: SigningKey): Buffer {
  return createHmac('sha256', key.nonces).update(head).update(purpose).digest().subarray(0, MAC_BYTES);
}
