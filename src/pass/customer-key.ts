import { createHash, timingSafeEqual } from 'node:crypto';
import type { CustomerKeys } from '../domain/customer-keys.ts';

/** A key that is known. */
export interface KnownKey {
  /** SHA-256 of the key, lower-case hex. */
  readonly hash: string;
  readonly label: string | undefined;
}

/** Characters of a hash by which candidates are found. */
const INDEXED = 8;

/**
 * Finds a key among the known ones; `undefined` for any other text.
 *
 * Digests are compared, whole ones in constant time: the time taken reveals nothing of the keys. A digest's first 32
 * bits find the candidates; an attacker cannot choose these bits without trying keys.
 */
export class KeyCheck {
  readonly #candidates = new Map<string, { readonly digest: Buffer; readonly key: KnownKey }[]>();

  constructor({ hashes }: Pick<CustomerKeys, 'hashes'>) {
    for (const [hash, label] of hashes) {
      const found = this.#candidates.get(hash.slice(0, INDEXED)) ?? [];
      found.push({ digest: Buffer.from(hash, 'hex'), key: { hash, label } });
      this.#candidates.set(hash.slice(0, INDEXED), found);
    }
  }

  find(text: string): KnownKey | undefined {
    const digest = createHash('sha256').update(text).digest();
    const candidates = this.#candidates.get(digest.subarray(0, INDEXED / 2).toString('hex')) ?? [];
    let known: KnownKey | undefined;
    for (const candidate of candidates) if (timingSafeEqual(candidate.digest, digest)) known = candidate.key;
    return known;
  }
}
