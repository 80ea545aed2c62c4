import type { PassId } from '../domain/pass.ts';

/** One unit of a pass, taken for one request. */
export interface QuotaUnit {
  /** Requests that are left, as far as this process knows: units lent to other processes are not counted. */
  readonly remaining: number;
  /** Gives it back, for a request that got nothing. A second call does nothing. */
  giveBack(): void;
}

/** The result of taking a unit. */
export type QuotaOutcome =
  | { readonly kind: 'taken'; readonly unit: QuotaUnit }
  /**
   * Every unit that was bought is used, or lent to a process that did not return it within a second. Never answered
   * from memory: an extension that was granted before the call, on any replica, counts.
   */
  | { readonly kind: 'used_up' }
  | { readonly kind: 'gone'; readonly why: 'revoked' | 'expired' | 'unknown' };

/** Takes requests of passes, for one process. */
export interface Quota {
  /**
   * Takes a unit of a pass that has a quota. Returns at once, without a promise, when a unit is lent to this process;
   * else asks the store. The answer comes within about a second plus the store's time.
   *
   * Whether the token is valid, and not expired, was checked before.
   *
   * Rejects with `GatewayError` `store_unavailable` when no unit is lent and the store does not answer, and with
   * `shutting_down` after {@link Quota.close}.
   */
  take(id: PassId): QuotaOutcome | Promise<QuotaOutcome>;
  /** Reports that a pass was revoked: no more of its lent units are used. */
  revoke(id: PassId): void;
  /** Returns what is lent and takes nothing more. To be called when requests have ended, before the store closes. */
  close(): Promise<void>;
}

/** The source of time. */
export interface QuotaTime {
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Calls once after some milliseconds; does not keep the process alive. */
  readonly after: (ms: number, run: () => void) => void;
}
