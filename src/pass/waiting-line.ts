import type { QuotaOutcome } from './quota.ts';

/** A request that waits for a unit. */
export interface Waiter {
  /** Unix milliseconds since which it waits for units that other processes hold. */
  readonly since: number;
  readonly resolve: (outcome: QuotaOutcome) => void;
  readonly reject: (error: unknown) => void;
}

/** Requests that wait for units of one pass, in the order they came. */
export class WaitingLine {
  #waiters: Waiter[] = [];

  get length(): number {
    return this.#waiters.length;
  }

  /** Waits until it is answered. */
  join(since: number): Promise<QuotaOutcome> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ since, resolve, reject });
    });
  }

  /** The requests that wait now; they keep their place. */
  all(): readonly Waiter[] {
    return [...this.#waiters];
  }

  /** Removes up to `count` of the oldest requests, to be answered. */
  next(count: number): readonly Waiter[] {
    return this.#waiters.splice(0, count);
  }

  /** Answers those of `some` that still wait. */
  answer(some: readonly Waiter[], tell: (waiter: Waiter) => void): void {
    const told = new Set(some);
    const before = this.#waiters;
    this.#waiters = before.filter((waiter) => !told.has(waiter));
    for (const waiter of before) if (told.has(waiter)) tell(waiter);
  }
}
