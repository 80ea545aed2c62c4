import type { PaymentKey } from '../../domain/payment.ts';
import type { KeptAnswer } from '../answers.ts';

/** A kept answer with its time, in Unix milliseconds. */
type TimedAnswer = KeptAnswer & { readonly keptAt: number };

/** Kept answers in this process's memory; the ledger makes each call one atomic act. */
export class MemoryAnswers {
  readonly #answers = new Map<PaymentKey, TimedAnswer>();

  keep(key: PaymentKey, answer: KeptAnswer, now: number): void {
    this.#answers.set(key, { ...structuredClone(answer), keptAt: now });
  }

  recall(key: PaymentKey): KeptAnswer | undefined {
    const kept = this.#answers.get(key);
    if (kept === undefined) return undefined;
    const { keptAt, ...answer } = kept;
    return structuredClone(answer);
  }

  /** Bytes of all bodies. */
  get bytes(): number {
    return [...this.#answers.values()].reduce((sum, { body }) => sum + body.byteLength, 0);
  }

  delete(key: PaymentKey): void {
    this.#answers.delete(key);
  }

  /**
   * Deletes answers that were kept before a time (Unix milliseconds), at most `limit`; returns how many.
   *
   * @param isOver whether the answer to a payment can no longer be collected
   */
  forget(keptBefore: number, limit: number, isOver: (key: PaymentKey) => boolean): number {
    const old = [...this.#answers].filter(([key, { keptAt }]) => keptAt < keptBefore && isOver(key)).slice(0, limit);
    for (const [key] of old) this.#answers.delete(key);
    return old.length;
  }
}
