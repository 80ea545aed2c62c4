/** How long a count of the store is used, in milliseconds; what this process keeps meanwhile is added. */
const COUNT_LASTS_MS = 1000;

/** Memory for one answer that is kept. */
export interface AnswerHold {
  /** Takes room for this many bytes more; `false` when there is none. */
  take(bytes: number): boolean;
  /** Whether {@link take} has ever found none. */
  readonly refused: boolean;
  /** Releases all of it. May be called again. */
  release(): void;
}

/**
 * Bounds the size of kept answers, over all routes: in this process's memory, from their first byte until their request
 * is over, and in the store. An answer that finds no room is relayed and not kept, like one above its route's
 * `keepAnswers`.
 */
export class AnswerRoom {
  readonly #clock: () => number;
  #held = 0;
  #stored: { bytes: number; readonly until: number } | undefined;

  /** @param clock milliseconds; never goes back */
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
   * Whether an answer still fits into the store; if so, it counts from now on. Processes see each other's answers once
   * a second, and can together exceed the bound by what they keep within it.
   *
   * @param countKept bytes that the store holds
   */
  async storeHasRoom(bytes: number, mostBytes: number, countKept: () => Promise<number>): Promise<boolean> {
    let stored = this.#stored;
    if (stored === undefined || stored.until <= this.#clock()) {
      const counted = { bytes: await countKept(), until: this.#clock() + COUNT_LASTS_MS };
      // Several may have asked at once: all add to the first one's count.
      const newest = this.#stored;
      stored = newest === undefined || newest.until <= this.#clock() ? counted : newest;
      this.#stored = stored;
    }
    if (stored.bytes + bytes > mostBytes) return false;
    stored.bytes += bytes;
    return true;
  }
}
