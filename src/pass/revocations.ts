import { LRUCache } from 'lru-cache';
import type { PassId } from '../domain/pass.ts';
import type { Revocations } from '../store/passes.ts';

/**
 * How often the store is asked, in milliseconds: including the time of an answer, a revocation is known everywhere
 * within 5 s.
 */
const POLL_MS = 2000;
/** The time that each poll asks for again: clocks of replicas differ, and a transaction ends later than it begins. */
const MARGIN_MS = 60_000;
/** Most revoked passes that are remembered, the newest ones. Expired passes are refused without it. */
const MAX_REVOKED = 100_000;

/** The parts of the watch. */
export interface RevocationDeps {
  readonly store: Pick<Revocations, 'revokedSince'>;
  /** Called with each pass that was revoked, possibly more than once. */
  readonly revoked: (id: PassId) => void;
  /** Called when the store could not be asked. The watch goes on. */
  readonly trouble: (fault: unknown) => void;
  /** Unix milliseconds. */
  readonly clock: () => number;
}

/**
 * Knows which passes were revoked, by polling the store: checking a token needs no call.
 *
 * While the store is unavailable, no pass can be revoked there either, and known revocations stay known.
 */
export class RevocationWatch {
  readonly #deps: RevocationDeps;
  /** Created with the first one: it allocates its memory at once, and most gateways never revoke anything. */
  #revoked: LRUCache<PassId, true> | undefined;
  #since = 0;
  #timer: NodeJS.Timeout | undefined;
  #polling: Promise<void> | undefined;
  #stopped = false;

  constructor(deps: RevocationDeps) {
    this.#deps = deps;
  }

  /**
   * Loads all revocations, then starts polling.
   *
   * @throws GatewayError `store_unavailable`: without them, nothing may be opened
   */
  async start(): Promise<void> {
    await this.poll();
    this.#next();
  }

  /** Whether a pass was revoked, by the last poll. */
  has(id: PassId): boolean {
    return this.#revoked?.has(id) === true;
  }

  /** Asks now. */
  async poll(): Promise<void> {
    const { store, revoked, clock } = this.#deps;
    const asked = clock();
    for (const id of await store.revokedSince(this.#since)) {
      this.#revoked ??= new LRUCache({ max: MAX_REVOKED });
      this.#revoked.set(id, true);
      revoked(id);
    }
    this.#since = Math.max(0, asked - MARGIN_MS);
  }

  /** Ends after the running poll. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#polling;
  }

  #next(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#polling = this.poll()
        .catch((fault: unknown) => this.#deps.trouble(fault))
        .finally(() => this.#next());
    }, POLL_MS);
    this.#timer.unref();
  }
}
