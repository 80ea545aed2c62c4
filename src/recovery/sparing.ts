/** For each so many open settlements there is another second between two turns. */
const ROWS_A_SECOND = 25_000;
/** The longest time between two turns, in seconds. */
const LONGEST_SECONDS = 9;

/**
 * Turns of work that reads all open payments: a turn each second or more, as long as they are few. With a hundred
 * thousand it takes 25 to 40 ms, for which all payments wait.
 */
export class Sparing {
  #lastAt = Number.NEGATIVE_INFINITY;

  /**
   * Takes a turn, if it is time.
   *
   * @param open settlements that are open, as far as is known
   * @param now milliseconds that only go forward
   */
  takeTurn(open: number, now: number): boolean {
    const seconds = Math.min(Math.floor(open / ROWS_A_SECOND), LONGEST_SECONDS);
    if (now - this.#lastAt < seconds * 1000) return false;
    this.#lastAt = now;
    return true;
  }

  /** Makes it time at once: there may be something to be found, or the last turn failed. */
  hurry(): void {
    this.#lastAt = Number.NEGATIVE_INFINITY;
  }
}
