/**
 * The longest time between two readings of all open payments, in milliseconds: for what processes left that came and went
 * between two looks, or that claimed before their first heartbeat after a silence.
 */
const LONGEST_MS = 30_000;

/**
 * Says when processes may have left payments behind. Only then all open payments are read: with a hundred thousand that
 * takes 75 ms, for which all payments wait. A payment that a living process holds is not left behind.
 */
export class LeftBehind {
  /** The processes that lived since all open payments were last read; `undefined` where these are to be read. */
  #known: ReadonlySet<string> | undefined;
  #readAt = Number.NEGATIVE_INFINITY;

  /**
   * Whether all open payments are to be read now, which the caller does then.
   *
   * @param living the processes that live, read before the payments are
   * @param now milliseconds that only go forward
   */
  isToBeRead(living: ReadonlySet<string>, now: number): boolean {
    const known = this.#known;
    this.#known = living;
    const allLive = known !== undefined && [...known].every((owner) => living.has(owner));
    if (allLive && now - this.#readAt < LONGEST_MS) return false;
    this.#readAt = now;
    return true;
  }

  /** Has them read the next time: there may be something to be found, or the last reading failed. */
  hurry(): void {
    this.#known = undefined;
  }
}
