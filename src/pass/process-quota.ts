import { LRUCache } from 'lru-cache';
import { GatewayError } from '../domain/gateway-error.ts';
import type { PassId } from '../domain/pass.ts';
import type { Quota, QuotaOutcome, QuotaTime } from './quota.ts';
import { QuotaLease, type QuotaStore } from './quota-lease.ts';

/** Most passes with units lent to this process; the pass that was used longest ago is returned early. */
const MOST_PASSES = 10_000;

/** Options of the quota. */
export interface QuotaOptions {
  /** Default: the system's, for each of the two. */
  readonly time?: Partial<QuotaTime>;
  /** Default {@link MOST_PASSES}. */
  readonly mostPasses?: number;
}

/** Opens the quota of a process. The store is not closed with it. */
export function openQuota(store: QuotaStore, options: QuotaOptions = {}): Quota {
  return new ProcessQuota(store, { ...SYSTEM_TIME, ...options.time }, options.mostPasses ?? MOST_PASSES);
}

/** Real time; its timers do not keep the process alive. */
const SYSTEM_TIME: QuotaTime = {
  now: Date.now,
  after: (ms, run) => {
    setTimeout(run, ms).unref();
  },
};

class ProcessQuota implements Quota {
  readonly #store: QuotaStore;
  readonly #time: QuotaTime;
  readonly #leases: LRUCache<PassId, QuotaLease>;
  /** Leases that are returning what they hold, so that {@link close} can wait for them. */
  readonly #leaving = new Set<Promise<void>>();
  #isClosed = false;

  constructor(store: QuotaStore, time: QuotaTime, max: number) {
    this.#store = store;
    this.#time = time;
    this.#leases = new LRUCache({
      max,
      dispose: (lease) => this.#leave(lease),
    });
  }

  take(id: PassId): QuotaOutcome | Promise<QuotaOutcome> {
    if (this.#isClosed) return Promise.reject(new GatewayError('shutting_down'));
    let lease = this.#leases.get(id);
    if (lease === undefined) {
      lease = new QuotaLease(id, this.#store, this.#time);
      this.#leases.set(id, lease);
    }
    return lease.take();
  }

  revoke(id: PassId): void {
    this.#leases.peek(id)?.revoke();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#leases.clear();
    await Promise.all(this.#leaving);
  }

  #leave(lease: QuotaLease): void {
    const leaving = lease.close().finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
  }
}
