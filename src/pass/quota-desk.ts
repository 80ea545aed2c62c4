import { LRUCache } from 'lru-cache';
import { GatewayError } from '../domain/gateway-error.ts';
import type { PassId } from '../domain/pass.ts';
import { type DrawerStore, LeaseDrawer } from './lease-drawer.ts';
import type { Quota, QuotaOutcome, QuotaTime } from './quota.ts';

/** Most passes with units lent to this process; the pass that was used longest ago is returned early. */
const MOST_PASSES = 10_000;

/** Options of the quota. */
export interface QuotaDeskOptions {
  /** Default: the system's, for each of the two. */
  readonly time?: Partial<QuotaTime>;
  /** Default {@link MOST_PASSES}. */
  readonly mostPasses?: number;
}

/** Opens the quota of a process. The store is not closed with it. */
export function openQuotaDesk(store: DrawerStore, options: QuotaDeskOptions = {}): Quota {
  return new QuotaDesk(store, { ...SYSTEM_TIME, ...options.time }, options.mostPasses ?? MOST_PASSES);
}

/** Real time; its timers do not keep the process alive. */
const SYSTEM_TIME: QuotaTime = {
  now: Date.now,
  after: (ms, run) => {
    setTimeout(run, ms).unref();
  },
};

class QuotaDesk implements Quota {
  readonly #store: DrawerStore;
  readonly #time: QuotaTime;
  readonly #drawers: LRUCache<PassId, LeaseDrawer>;
  /** Leases that are returning what they hold, so that {@link close} can wait for them. */
  readonly #leaving = new Set<Promise<void>>();
  #isClosed = false;

  constructor(store: DrawerStore, time: QuotaTime, max: number) {
    this.#store = store;
    this.#time = time;
    this.#drawers = new LRUCache({
      max,
      dispose: (drawer) => this.#leave(drawer),
    });
  }

  take(id: PassId): QuotaOutcome | Promise<QuotaOutcome> {
    if (this.#isClosed) return Promise.reject(new GatewayError('shutting_down'));
    let drawer = this.#drawers.get(id);
    if (drawer === undefined) {
      drawer = new LeaseDrawer(id, this.#store, this.#time);
      this.#drawers.set(id, drawer);
    }
    return drawer.take();
  }

  revoke(id: PassId): void {
    this.#drawers.peek(id)?.revoke();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#drawers.clear();
    await Promise.all(this.#leaving);
  }

  #leave(drawer: LeaseDrawer): void {
    const leaving = drawer.close().finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
  }
}
