import { LRUCache } from 'lru-cache';

/** The sender of a payment, as far as budgets distinguish senders. */
export interface Bringer {
  /** From `clientGroup`: the client's address, which is harder to change than an account. */
  readonly group: string;
  readonly payer: string;
  /** Whether the payer's signature was proved here, without a network. */
  readonly proved: boolean;
}

interface Bucket {
  tokens: number;
  /** Unix milliseconds. */
  at: number;
}

/** Most addresses, and payers in good standing, that are remembered. */
const MOST_KNOWN = 10_000;
/** How long a payer stays in good standing after a valid payment, in milliseconds. */
const GOOD_STANDING_MS = 3600_000;

/**
 * Bounds the facilitator calls that each client address causes for nothing: by refused payments, and by signatures that
 * only a chain can judge, which anybody can forge at no cost. Valid payments cost nothing.
 *
 * Proved signatures have a budget of their own and count only when they are refused, so that forgeries from a shared
 * address do not keep its honest buyers out. A payer whose last payment was valid is never kept out.
 *
 * Each process counts for itself, in bounded memory: the addresses that were silent longest are forgotten.
 */
export class PaymentBudget {
  readonly #buckets = new LRUCache<string, Bucket>({ max: MOST_KNOWN });
  /** Payers in good standing, and until when. Only proved payers: a name alone proves nothing. */
  readonly #good = new LRUCache<string, number>({ max: MOST_KNOWN });
  readonly #clock: () => number;

  /** `clock` gives Unix milliseconds. */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** Admits a payment to a facilitator, or returns in how many seconds it may be sent again. */
  admit(bringer: Bringer, perMinute: number): number | undefined {
    if (bringer.proved && (this.#good.get(bringer.payer) ?? 0) > this.#clock()) return undefined;
    const bucket = this.#bucketOf(bringer, perMinute);
    if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) * 60) / perMinute);
    if (!bringer.proved) bucket.tokens -= 1;
    return undefined;
  }

  /** The facilitator found the payment valid. */
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
    // Goes below zero for as many as were admitted at once; bounded, so that it recovers.
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
