/** Widest gap that is closed: our own transactions never leave a wider one. */
const WIDEST_GAP = 1_000;

/**
 * The numbers (account nonces) of one account: taken from the node's pending state once, and counted here from then on.
 * A number that comes back unused is given out next.
 */
export class AccountNumbers {
  #free: number[] = [];
  #next: number | undefined;
  #learned = false;

  /** Whether the next number is known. */
  get known(): boolean {
    return this.#next !== undefined;
  }

  /**
   * Takes the count from the node.
   *
   * @param pending the account's transactions, those that wait included
   * @param occupied numbers of transactions that may have arrived: no other transaction gets them
   */
  learn(pending: number, occupied: readonly number[]): void {
    this.#next = pending;
    const above = occupied.filter((number) => number >= pending).sort((a, b) => a - b);
    for (const number of above) this.occupy(number);
    // Only a process that has sent nothing yet knows that no transaction of its own waits under an unoccupied number.
    if (this.#learned) this.#free = [];
    this.#learned = true;
  }

  /** Marks the number of a transaction that another process signed as taken. Unused numbers below it become free. */
  occupy(number: number): void {
    if (this.#next === undefined) return;
    if (number < this.#next) {
      this.#free = this.#free.filter((free) => free !== number);
      return;
    }
    if (number - this.#next > WIDEST_GAP) return;
    for (let gap = this.#next; gap < number; gap += 1) this.giveBack(gap);
    this.#next = number + 1;
  }

  /** Gives out a number. The count must be known. */
  take(): number {
    const free = this.#free.shift();
    if (free !== undefined) return free;
    if (this.#next === undefined) throw new Error('a number was taken before the count was known');
    const number = this.#next;
    this.#next += 1;
    return number;
  }

  /** Takes back a number that no transaction has. */
  giveBack(number: number): void {
    this.#free.push(number);
  }

  /** Takes free numbers directly below the next one back into the count. */
  rollBack(): void {
    this.#free.sort((a, b) => a - b);
    while (this.#next !== undefined && this.#free.at(-1) === this.#next - 1) {
      this.#free.pop();
      this.#next -= 1;
    }
  }

  /** Gives out all free numbers: they lie below transactions that wait for them. */
  takeGaps(): number[] {
    return this.#free.splice(0);
  }

  /** Another program used this account, or the node lost transactions: the count is taken from the node again. */
  forget(): void {
    this.#next = undefined;
    this.#free = [];
  }
}
