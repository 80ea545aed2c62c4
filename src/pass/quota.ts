import type { PassId } from '../domain/pass.ts';

/** One request of a pass, taken for one request. */
export interface QuotaUnit {
  /** Requests that are left, as far as this process knows: units in other processes' hands are not in it. */
  readonly remaining: number;
  /** Gives it back, for a request that got nothing for it. Once: a second call does nothing. */
  giveBack(): void;
}

/** What taking a request came to. */
export type QuotaOutcome =
  | { readonly kind: 'taken'; readonly unit: QuotaUnit }
  /**
   * Every request that was bought is served, or in the hands of a process that did not bring it back within a second.
   * Never said from memory: an extension that was granted before the call, on whatever replica, is seen.
   */
  | { readonly kind: 'used_up' }
  | { readonly kind: 'gone'; readonly why: 'revoked' | 'expired' | 'unknown' };

/** Takes requests of passes, for one process. */
export interface Quota {
  /**
   * Takes a request of a pass that has a quota. Answers at once, without a promise, when the process has one in hand;
   * else asks the store. The answer comes within about a second plus what the store takes.
   *
   * Whether the token, and so its time, is good was checked before.
   *
   * Rejects with `GatewayError` `store_unavailable` when there is none in hand and the store does not answer, and with
   * `shutting_down` after {@link Quota.close}.
   */
  take(id: PassId): QuotaOutcome | Promise<QuotaOutcome>;
  /** Hears that a pass was revoked: nothing is taken from what is in hand any more. */
  revoke(id: PassId): void;
  /** Brings back what is in hand and takes nothing any more. To be called when requests have ended, before the store closes. */
  close(): Promise<void>;
}

/** Where the desk gets time from. */
export interface QuotaTime {
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Calls once after some milliseconds; is no reason for the process to go on. */
  readonly after: (ms: number, run: () => void) => void;
}
