/**
 * How far the clock may run ahead between two looks and still be believed, in milliseconds: small corrections are
 * normal.
 */
const TOLERANCE_MS = 1000;
/** How long a clock has to stay ahead until it is believed in what is deleted, in milliseconds. */
const BELIEVED_AFTER_MS = 3_600_000;
/**
 * How far the clock may be ahead of the newest payment when a process begins, in milliseconds: many a gateway sells
 * nothing for hours.
 */
const QUIET_MS = 86_400_000;

/**
 * The wall clock without its jumps ahead, until they have lasted for a while. It decides what is deleted: a clock that
 * runs ahead for a while must not delete a kept answer, a used sign-in or a payment that could still be asked for. It
 * decides as well which processes are gone: after a jump, the heartbeats of all others look old.
 *
 * | the wall clock | this one |
 * |---|---|
 * | runs as time goes by | says the same |
 * | is put back | goes back with it: less is forgotten, and fewer processes are gone |
 * | jumps ahead | goes on at its pace, and follows once the jump has lasted, by default for an hour |
 *
 * It begins with the wall clock. Where that is more than a day ahead of the latest moment in the store, it counts as one
 * that has jumped ahead. If a process was misled all the same, the store knows what may have been deleted: see
 * `Ledger.mayHaveForgotten` and `SignIns.spendNonce`.
 */
export class SteadyClock {
  readonly #clock: () => number;
  readonly #monotonic: () => number;
  readonly #believedAfterMs: number;
  #wallAt: number;
  #lookedAt: number;
  #aheadSince: number | undefined;

  /**
   * @param clock Unix milliseconds
   * @param monotonic milliseconds that only go forward, at the pace of time
   * @param believedAfterMs how long a jump ahead has to last until it is followed
   */
  constructor(
    clock: () => number,
    monotonic: () => number = () => performance.now(),
    believedAfterMs = BELIEVED_AFTER_MS,
  ) {
    this.#clock = clock;
    this.#monotonic = monotonic;
    this.#believedAfterMs = believedAfterMs;
    this.#wallAt = clock();
    this.#lookedAt = monotonic();
  }

  /**
   * Goes back to the latest moment in the store, where the wall clock began a day or more after it: a machine may boot
   * with a clock that is years ahead, and the books would be deleted before it is corrected.
   *
   * @param known the latest moment in the store, in Unix milliseconds
   */
  beginAfter(known: number): void {
    if (this.#wallAt <= known + QUIET_MS) return;
    this.#wallAt = known;
    this.#aheadSince = this.#lookedAt;
  }

  /** Unix milliseconds. To be called every few seconds: between two calls a small jump cannot be detected. */
  now(): number {
    const wall = this.#clock();
    const looked = this.#monotonic();
    const expected = this.#wallAt + (looked - this.#lookedAt);
    const isAhead = wall > expected + TOLERANCE_MS;
    this.#aheadSince = isAhead ? (this.#aheadSince ?? looked) : undefined;
    const isBelieved = this.#aheadSince === undefined || looked - this.#aheadSince >= this.#believedAfterMs;
    this.#wallAt = isBelieved ? wall : expected;
    this.#lookedAt = looked;
    if (isBelieved) this.#aheadSince = undefined;
    return this.#wallAt;
  }
}
