/** For each so many open payments one more round is left out. */
const ROWS_A_ROUND = 25_000;
/** Most rounds that are left out one after the other. */
const MOST_LEFT_OUT = 9;

/**
 * Says in which rounds all open payments are looked through: in each one as long as they are few. Of a hundred thousand
 * a look takes 40 ms, for which all payments wait: that is not done each second.
 */
export class Sparing {
  #leftOut = 0;

  /** Whether it is done in this round. @param open payments that are open, as far as is known */
  isTurn(open: number): boolean {
    if (this.#leftOut < Math.min(Math.floor(open / ROWS_A_ROUND), MOST_LEFT_OUT)) {
      this.#leftOut += 1;
      return false;
    }
    this.#leftOut = 0;
    return true;
  }

  /** There may be more to be found: the next round is not left out. */
  goOn(): void {
    this.#leftOut = MOST_LEFT_OUT;
  }
}
