/** Tells units that others will bring back from those of a process that was killed: the latter never change. */
export class Stall {
  readonly #patienceMs: number;
  #seen: { readonly lent: number; readonly since: number; readonly at: number } | undefined;

  /** @param patienceMs how long units stay unchanged at most in a process that lives and does not use them */
  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  /**
   * Whether others have held this many units, seen again and again, for too long.
   *
   * @param now Unix milliseconds
   */
  isOver(lent: number, now: number): boolean {
    const seen = this.#seen;
    // What was not looked at for a while may have come back and gone out again.
    const goesOn = seen !== undefined && seen.lent === lent && now - seen.at <= this.#patienceMs;
    const since = goesOn ? seen.since : now;
    this.#seen = { lent, since, at: now };
    return now - since >= this.#patienceMs;
  }

  /** Units came: whatever was seen before says nothing any more. */
  end(): void {
    this.#seen = undefined;
  }
}
