/** Detects units lent to a dead process: a live one returns idle units, so a lent number that never changes is lost. */
export class Stall {
  readonly #patienceMs: number;
  #seen: { readonly lent: number; readonly since: number; readonly at: number } | undefined;

  /** @param patienceMs how long a lent number stays unchanged at most while its process lives and does not use it */
  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  /**
   * Whether other processes have held this many units, at every look, for too long.
   *
   * @param now Unix milliseconds
   */
  isOver(lent: number, now: number): boolean {
    const seen = this.#seen;
    // Between two distant looks the units may have been returned and lent again; a clock that was put back hides that.
    const isClose = seen !== undefined && now >= seen.at && now - seen.at <= this.#patienceMs;
    const goesOn = isClose && seen.lent === lent;
    const since = goesOn ? seen.since : now;
    this.#seen = { lent, since, at: now };
    return now - since >= this.#patienceMs;
  }

  /** Units came: earlier looks no longer count. */
  end(): void {
    this.#seen = undefined;
  }
}
