/** Milliseconds for which a window is remembered after its end, since the clocks of replicas differ. */
export const WINDOW_GRACE_MS = 300_000;

/** Something that may be used a number of times within a window of time. */
export interface UseWindow {
  /** Who uses what: a digest, the same on every replica. */
  readonly id: string;
  /** Unix milliseconds. */
  readonly startsAt: number;
  readonly endsAt: number;
}

/** What taking uses came to. */
export interface UsesTaken {
  /** At most as many as were wanted, and as there were. */
  readonly granted: number;
  /** How many are left then. */
  readonly left: number;
}

/**
 * How often things were used that may be used so many times for nothing. As with the ledger: each method is one atomic act
 * across all requests, workers and replicas; a resolved promise means that the change is on the disk; a rejected one
 * (`GatewayError` `store_unavailable`) that it may have taken place, or not.
 *
 * A use goes two ways: `taken` before the API is asked, and then it stays so, or `returned` when the API failed. A process
 * that is killed between the two leaves it taken: never more is used than is allowed.
 */
export interface Uses {
  /**
   * Takes uses.
   *
   * @param most how many a window has: at least 1
   * @param want how many it would like to have: at least 1
   */
  takeUses(window: UseWindow, most: number, want: number): Promise<UsesTaken>;
  /** Gives back one that was taken. */
  returnUse(window: UseWindow): Promise<void>;
  /** Forgets windows that ended before `before` (Unix milliseconds), at most `limit`; returns how many. */
  pruneUses(before: number, limit: number): Promise<number>;
}
