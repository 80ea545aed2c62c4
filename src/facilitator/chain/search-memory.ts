import { RANGE_BLOCKS } from './block-search.ts';
import type { Block, BlockRange } from './chain-facts.ts';

/** Whole ranges in a row that a node takes before it is asked for twice as many blocks. */
const GROW_AFTER = 64;

/** Most searches that are remembered; the oldest goes first, and then begins anew. */
const MAX_STOPS = 1_000;

/** Blocks below the head that are searched again each time, because a reorganisation may replace them. */
const LOOSE_BLOCKS = 64n;

/** Where a search stopped. */
export interface Stop {
  /** The first block that was not searched. */
  readonly from: bigint;
  /** Whether something in the blocks before it could not be judged. */
  readonly unclear: boolean;
}

/**
 * What searches for events have learnt of one node: how many blocks it takes at once, and where each search stopped
 * that a single look could not end. In memory only: after a restart a search begins anew, and comes to the same result.
 */
export class SearchMemory {
  #span = RANGE_BLOCKS;
  #taken = 0;
  readonly #stops = new Map<string, Stop>();

  /** How many blocks the node takes at once, as far as is known. */
  get span(): bigint {
    return this.#span;
  }

  /** The next blocks to ask for. */
  rangeFrom(from: bigint, { number: head }: Block): BlockRange {
    const end = from + this.#span - 1n;
    return { from, to: end < head ? end : head };
  }

  /** The node took a range. Plans of providers change, and what was refused may have been a passing trouble. */
  took({ from, to }: BlockRange): void {
    if (to - from + 1n < this.#span) return;
    this.#taken += 1;
    if (this.#taken < GROW_AFTER || this.#span === RANGE_BLOCKS) return;
    this.#taken = 0;
    this.#span = this.#span * 2n < RANGE_BLOCKS ? this.#span * 2n : RANGE_BLOCKS;
  }

  /** The node refused a range: half of it is asked for next. `false` where not even one block is left to halve. */
  refused({ from, to }: BlockRange): boolean {
    this.#taken = 0;
    const half = (to - from + 1n) / 2n;
    // Then it is no matter of the range.
    this.#span = half === 0n ? RANGE_BLOCKS : half;
    return half > 0n;
  }

  /** Where a search stopped; `undefined` for one that begins. */
  stopOf(search: string): Stop | undefined {
    return this.#stops.get(search);
  }

  /** Remembers where a search stopped. */
  stopAt(search: string, { from, unclear }: Stop, { number: head }: Block): void {
    const firm = head - LOOSE_BLOCKS;
    if (firm < 0n) return;
    this.#stops.delete(search);
    this.#stops.set(search, { from: from < firm ? from : firm, unclear });
    for (const oldest of this.#stops.keys()) {
      if (this.#stops.size <= MAX_STOPS) break;
      this.#stops.delete(oldest);
    }
  }

  /** Forgets a search that has ended. */
  ended(search: string): void {
    this.#stops.delete(search);
  }
}
