/** Orders the events that this process sees: the API's calls, the chain's transactions, the kills. */
export class Timeline {
  #ticks = 0;
  /** Lives of the gateway that have begun; the first is 1. */
  life = 0;

  /** A number above all earlier ones. */
  tick(): number {
    this.#ticks += 1;
    return this.#ticks;
  }
}
