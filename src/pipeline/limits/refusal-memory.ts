import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Payment } from '../../domain/payment.ts';
import { durationOf } from '../../scheme/reasons.ts';

/** Most refusals that are remembered for one set of facilitators. */
const MOST_REFUSALS = 10_000;
/** How long a refusal is remembered, in milliseconds: a lasting one, and one that a top-up cures. */
const REMEMBERED_MS = { lasting: 60_000, curable: 3_000 };

/** Why a facilitator refused a payment. */
export interface RefusalReason {
  readonly reason: string;
  /** The reason in words, for people. */
  readonly words?: string;
}

/**
 * A short memory of payments that facilitators refused, so that repeating one costs no call. Only reasons that are
 * known to last are kept: never a fault, nor a reason that may hide one.
 *
 * The key is the whole submission, for one offer and resource, as judged by one set of facilitators: a similar
 * submission cannot make the payment of another buyer refused.
 */
export class RefusalMemory {
  readonly #byJudges = new WeakMap<
    object,
    LRUCache<string, { readonly why: RefusalReason; readonly until: number; readonly lastsMs: number }>
  >();
  readonly #clock: () => number;

  /** `clock` gives Unix milliseconds. */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** Why `judges`, a set of facilitators, refused this very payment lately, if they did. */
  recall(judges: object, payment: Payment): RefusalReason | undefined {
    const refusals = this.#byJudges.get(judges);
    if (refusals === undefined) return undefined;
    const refusal = refusals.get(digestOf(payment));
    if (refusal === undefined) return undefined;
    const left = refusal.until - this.#clock();
    // More time left than it began with: the clock was put back, and its age is not known.
    return left > 0 && left <= refusal.lastsMs ? refusal.why : undefined;
  }

  /** Remembers a refusal for as long as its reason lasts. */
  remember(judges: object, payment: Payment, why: RefusalReason): void {
    const duration = durationOf(why.reason);
    if (duration === undefined) return;
    const lastsMs = REMEMBERED_MS[duration];
    const refusals = this.#byJudges.get(judges) ?? new LRUCache({ max: MOST_REFUSALS });
    this.#byJudges.set(judges, refusals);
    refusals.set(digestOf(payment), { why, until: this.#clock() + lastsMs, lastsMs });
  }
}

function digestOf({ submission, offer, resourceUrl }: Payment): string {
  const judged = JSON.stringify([submission.payload, offer.requirements, resourceUrl]);
  return createHash('sha256').update(judged).digest('base64');
}
