/** Milliseconds for which a window is remembered after its end, since the clocks of replicas differ. */
export const WINDOW_GRACE_MS = 300_000;

/** Something that may be used a number of times within a window of time. */
export interface UseWindow {
  /** Digest of user and purpose, the same on every replica. */
  readonly id: string;
  /** Unix milliseconds. */
  readonly startsAt: number;
  readonly endsAt: number;
}

/** The result of taking uses. */
export interface UsesTaken {
  /** At most as many as were asked for, and as there were. */
  readonly granted: number;
  /** How many are left. */
  readonly left: number;
}

/**
 * Counts what may be used a number of times for free. As with the ledger: each method is one atomic act across all
 * requests, workers and replicas; a resolved promise means that the change is on the disk; after a rejected one
 * (`GatewayError` `store_unavailable`) it may have taken place, or not.
 *
 * A use is `taken` before the API is asked, and `returned` when the API failed. A process that is killed between the
 * two leaves it taken: never more is used than is allowed.
 */
export interface Uses {
  /**
   * Takes uses.
   *
   * @param most how many a window has: at least 1
   * @param want how many are asked for: at least 1
   */
  takeUses(window: UseWindow, most: number, want: number): Promise<UsesTaken>;
  /** Gives a taken use back. */
  returnUse(window: UseWindow): Promise<void>;
  /** Deletes windows that ended before `before` (Unix milliseconds), at most `limit`; returns how many. */
  pruneUses(before: number, limit: number): Promise<number>;
}
