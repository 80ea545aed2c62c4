import { LRUCache } from 'lru-cache';

/** Who brings a payment, as far as it matters for what it may cost us. */
export interface Bringer {
  /** From `clientGroup`: the client's address, which costs more to change than an account. */
  readonly group: string;
  readonly payer: string;
  /** Whether the payer's own signature was proved without asking anybody. */
  readonly proved: boolean;
}

interface Bucket {
  tokens: number;
  /** Unix milliseconds. */
  at: number;
}

/** Most addresses, and payers in good standing, that are kept in mind. */
const MOST_KNOWN = 10_000;
/** How long a payer whose payment was good is known for it, in milliseconds. */
const GOOD_STANDING_MS = 3600_000;

/**
 * How many calls of a facilitator each client address can cause for nothing: payments that are refused, and signatures
 * that only a chain can judge, which anybody can make up at no cost. Good payments cost nothing.
 *
 * Proved signatures have a budget of their own and are counted only when they are refused, so that junk from an address
 * that many share does not keep its honest buyers out; a payer whose last payment was good is not kept out at all.
 *
 * Each process counts for itself, in memory that is bounded: addresses not heard of for long are forgotten.
 */
export class PaymentBudget {
  readonly #buckets = new LRUCache<string, Bucket>({ max: MOST_KNOWN });
  /** Payers, and until when they are in good standing. Only proved ones: a name alone earns nothing. */
  readonly #good = new LRUCache<string, number>({ max: MOST_KNOWN });
  readonly #clock: () => number;

  /** `clock` gives Unix milliseconds. */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** Lets a payment through to a facilitator, or says in how many seconds it makes sense to bring it again. */
  admit(bringer: Bringer, perMinute: number): number | undefined {
    if (bringer.proved && (this.#good.get(bringer.payer) ?? 0) > this.#clock()) return undefined;
    const bucket = this.#bucketOf(bringer, perMinute);
    if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) * 60) / perMinute);
    if (!bringer.proved) bucket.tokens -= 1;
    return undefined;
  }

  /** The facilitator found the payment good. */
  wasGood(bringer: Bringer, perMinute: number): void {
    if (bringer.proved) this.#good.set(bringer.payer, this.#clock() + GOOD_STANDING_MS);
    else {
      const bucket = this.#bucketOf(bringer, perMinute);
      bucket.tokens = Math.min(perMinute, bucket.tokens + 1);
    }
  }

  /** The facilitator refused the payment. */
  wasRefused(bringer: Bringer, perMinute: number): void {
    if (!bringer.proved) return; // paid when it was admitted
    this.#good.delete(bringer.payer);
    const bucket = this.#bucketOf(bringer, perMinute);
    // Into debt, for as many as were let through at once; bounded, so that it ends.
    bucket.tokens = Math.max(-perMinute, bucket.tokens - 1);
  }

  #bucketOf({ group, proved }: Bringer, perMinute: number): Bucket {
    const key = `${proved ? 'proved' : 'unproved'} ${group}`;
    const now = this.#clock();
    const bucket = this.#buckets.get(key) ?? { tokens: perMinute, at: now };
    const earned = (Math.max(0, now - bucket.at) * perMinute) / 60_000;
    bucket.tokens = Math.min(perMinute, bucket.tokens + earned);
    bucket.at = now;
    this.#buckets.set(key, bucket);
    return bucket;
  }
}
