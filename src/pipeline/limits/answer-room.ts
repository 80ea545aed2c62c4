/** How long a count of the store is used, in milliseconds: what this process keeps meanwhile is added to it. */
const COUNT_LASTS_MS = 1000;

/** Room in memory for one answer that is kept. */
export interface AnswerHold {
  /** Takes room for so many bytes more; `false` when there is none. */
  take(bytes: number): boolean;
  /** Whether {@link take} has ever found none. */
  readonly refused: boolean;
  /** Gives all of it back. Doing so twice does no harm. */
  release(): void;
}

/**
 * Bounds what kept answers take, over all routes: in the memory of this process from their first byte until their
 * request is over, and in the store. An answer that finds no room is relayed and not kept, as one that is larger than
 * its route's `keepAnswers`.
 */
export class AnswerRoom {
  readonly #clock: () => number;
  #held = 0;
  #stored: { bytes: number; readonly until: number } | undefined;

  /** @param clock milliseconds that only go forward */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock;
  }

  /** Begins to hold an answer. */
  hold(mostBytes: number): AnswerHold {
    let own = 0;
    let refused = false;
    return {
      take: (bytes) => {
        if (refused || this.#held + bytes > mostBytes) {
          refused = true;
          return false;
        }
        own += bytes;
        this.#held += bytes;
        return true;
      },
      get refused() {
        return refused;
      },
      release: () => {
        this.#held -= own;
        own = 0;
      },
    };
  }

  /**
   * Whether an answer still fits into the store; one that does counts from now on. Several processes know of each
   * other's answers once a second, and can together exceed the bound by what they keep within it.
   *
   * @param countKept bytes that the store holds
   */
  async storeHasRoom(bytes: number, mostBytes: number, countKept: () => Promise<number>): Promise<boolean> {
    let stored = this.#stored;
    if (stored === undefined || stored.until <= this.#clock()) {
      const counted = { bytes: await countKept(), until: this.#clock() + COUNT_LASTS_MS };
      // Several may have asked at once: the first one's count is the one that all add to.
      const newest = this.#stored;
      stored = newest === undefined || newest.until <= this.#clock() ? counted : newest;
      this.#stored = stored;
    }
    if (stored.bytes + bytes > mostBytes) return false;
    stored.bytes += bytes;
    return true;
  }
}
