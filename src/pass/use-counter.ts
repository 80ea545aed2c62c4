import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { UseLimit } from '../domain/use-limit.ts';
import type { Uses, UseWindow } from '../store/uses.ts';

/** Most windows that are known to be used up. */
const MOST_KNOWN = 10_000;
/** Milliseconds for which a window that was used up is not asked for again: somebody may have given a use back. */
const USED_UP_MS = 5_000;

/** Who uses what. */
export interface UseSubject {
  /** What is used: the route, and which of its limits. */
  readonly of: readonly string[];
  /** Who uses it. */
  readonly by: string;
}

/** What taking a use came to. */
export type UseOutcome =
  | {
      readonly kind: 'taken';
      readonly remaining: number;
      /** Milliseconds until there are all of them again. */
      readonly resetMs: number;
      /** Gives it back, for a request that got nothing for it. Once: a second call does nothing. */
      giveBack(): void;
    }
  | { readonly kind: 'used_up'; readonly resetMs: number }
  /** The store does not answer: nothing is given away. */
  | { readonly kind: 'unavailable'; readonly cause: unknown };

/** Requests for one use each that go to the store together. */
interface Batch {
  readonly window: UseWindow;
  readonly requests: number;
  readonly resetMs: number;
  /** Those that came while a call was under way. */
  waiting: ((outcome: UseOutcome) => void)[];
}

/**
 * Counts uses, for one process. Each is written down before it is given out, so that all processes together never give
 * out more than there are, whatever becomes of one of them. One call of the store is under way for a window at a time; what
 * comes meanwhile shares the next. That a window is used up is known for a few seconds without asking the store, so that a
 * flood of such requests asks it seldom.
 */
export class UseCounter {
  readonly #store: Uses;
  readonly #clock: () => number;
  /** Until when a window counts as used up. */
  readonly #usedUp = new LRUCache<string, number>({ max: MOST_KNOWN });
  readonly #batches = new Map<string, Batch>();

  /** @param clock Unix milliseconds */
  constructor(store: Uses, clock: () => number) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Takes one use. Answers at once, without a promise, where it is known that there is none. */
  take(subject: UseSubject, { requests, perMs }: UseLimit): UseOutcome | Promise<UseOutcome> {
    const now = this.#clock();
    const startsAt = Math.floor(now / perMs) * perMs;
    const window: UseWindow = { id: idOf(subject), startsAt, endsAt: startsAt + perMs };
    const resetMs = window.endsAt - now;
    const key = `${startsAt} ${requests} ${window.id}`;
    if ((this.#usedUp.get(key) ?? 0) > now) return { kind: 'used_up', resetMs };
    return new Promise((resolve) => {
      const batch = this.#batches.get(key);
      if (batch !== undefined) {
        batch.waiting.push(resolve);
        return;
      }
      const begun: Batch = { window, requests, resetMs, waiting: [resolve] };
      this.#batches.set(key, begun);
      void this.#workOff(key, begun);
    });
  }

  async #workOff(key: string, batch: Batch): Promise<void> {
    while (batch.waiting.length > 0) {
      const asking = batch.waiting;
      batch.waiting = [];
      await this.#ask(key, batch, asking);
    }
    this.#batches.delete(key);
  }

  async #ask(
    key: string,
    { window, requests, resetMs }: Batch,
    asking: readonly ((outcome: UseOutcome) => void)[],
  ): Promise<void> {
    try {
      const { granted, left } = await this.#store.takeUses(window, requests, asking.length);
      if (granted < asking.length) this.#usedUp.set(key, this.#clock() + USED_UP_MS);
      asking.forEach((resolve, index) => {
        if (index >= granted) resolve({ kind: 'used_up', resetMs });
        else
          resolve({ kind: 'taken', remaining: left + granted - 1 - index, resetMs, giveBack: this.#back(key, window) });
      });
    } catch (cause) {
      // Some may have been taken: they count as used.
      for (const resolve of asking) resolve({ kind: 'unavailable', cause });
    }
  }

  #back(key: string, window: UseWindow): () => void {
    let isBack = false;
    return () => {
      if (isBack) return;
      isBack = true;
      this.#usedUp.delete(key);
      // One that cannot be given back counts as used.
      this.#store.returnUse(window).catch(() => {});
    };
  }
}

/** Of one length, whatever clients send; addresses do not stand in the store as they are. */
function idOf({ of, by }: UseSubject): string {
  return createHash('sha256')
    .update(JSON.stringify([...of, by]))
    .digest('hex');
}
