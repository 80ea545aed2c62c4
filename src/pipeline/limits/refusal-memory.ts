import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Payment } from '../../domain/payment.ts';
import { durationOf } from '../../scheme/reasons.ts';

/** Most refusals that are kept in mind for one set of facilitators. */
const MOST_REFUSALS = 10_000;
/** How long a refusal is remembered, in milliseconds: one that no time cures, and one that the payer cures with a top-up. */
const REMEMBERED_MS = { lasting: 60_000, curable: 3_000 };

/** Why a facilitator refused a payment. */
export interface RefusalReason {
  readonly reason: string;
  /** What it means here, for people. */
  readonly words?: string;
}

/**
 * A short memory of payments that facilitators refused, so that the same one sent again and again costs no call. Only
 * reasons that are known to last are kept: a fault never is, nor a reason that could hide one.
 *
 * What is remembered is the whole submission, for one offer and resource, as one set of facilitators judged it: nobody
 * can spoil somebody else's payment by sending something that merely looks like it.
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

  /** Why `judges`, a set of facilitators, refused this very payment a moment ago, if they did. */
  recall(judges: object, payment: Payment): RefusalReason | undefined {
    const refusals = this.#byJudges.get(judges);
    if (refusals === undefined) return undefined;
    const refusal = refusals.get(digestOf(payment));
    if (refusal === undefined) return undefined;
    const left = refusal.until - this.#clock();
    // More than it had is left where the clock was put back: it is not known how old it is.
    return left > 0 && left <= refusal.lastsMs ? refusal.why : undefined;
  }

  /** Keeps a refusal in mind for as long as its reason lasts. */
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
