import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { UseLimit } from '../domain/use-limit.ts';
import type { Uses, UseWindow } from '../store/uses.ts';

/** Most windows that are known to be used up. */
const MOST_KNOWN = 10_000;
/** Milliseconds for which a used-up window is not asked for again; then a use may have been given back. */
const USED_UP_MS = 5_000;

/** A client, and the limit that it uses. */
export interface UseSubject {
  /** The limit: the name of the route, and the name of the limit. */
  readonly of: readonly string[];
  /** The client. */
  readonly by: string;
}

/** The result of taking a use. */
export type UseOutcome =
  | {
      readonly kind: 'taken';
      readonly remaining: number;
      /** Milliseconds until the next window, with all uses again. */
      readonly resetMs: number;
      /** Gives it back, for a request that got nothing for it. Once: a second call does nothing. */
      giveBack(): void;
    }
  | { readonly kind: 'used_up'; readonly resetMs: number }
  /** The store does not answer: no use is granted. */
  | { readonly kind: 'unavailable'; readonly cause: unknown };

/** Requests for one use each that go to the store together. */
interface Batch {
  readonly window: UseWindow;
  readonly requests: number;
  readonly resetMs: number;
  /** The requests for the next call of the store. */
  waiting: ((outcome: UseOutcome) => void)[];
}

/**
 * Counts uses, for one process. Each use is written down before it is granted, so that all processes together never
 * grant more than there are, even if one of them crashes. For each window one call of the store runs at a time;
 * requests that come meanwhile share the next call. A used-up window is remembered for a few seconds, so that a flood
 * of requests rarely asks the store.
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

  /** Takes one use. Answers at once, without a promise, where the window is known to be used up. */
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
      // A use that cannot be given back counts as used.
      this.#store.returnUse(window).catch(() => {});
    };
  }
}

/** A hash: of one length for every client, and the store holds no addresses in plain text. */
function idOf({ of, by }: UseSubject): string {
  return createHash('sha256')
    .update(JSON.stringify([...of, by]))
    .digest('hex');
}
