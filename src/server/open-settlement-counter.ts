import type { Metrics } from '../observe/metrics.ts';
import type { Upkeep } from '../store/upkeep.ts';

/** The parts of {@link OpenSettlementCounter}. */
interface OpenSettlementCounterDeps {
  readonly store: Pick<Upkeep, 'countOpen'>;
  readonly metrics: Pick<Metrics, 'setOpenSettlements'>;
  /** Unix milliseconds. */
  readonly clock: () => number;
  /** Milliseconds that only go forward. */
  readonly monotonic: () => number;
}

/** A count is shown for this many times as long as it took: with many open settlements, all payments wait for it. */
const TIMES_AS_LONG = 100;
/** The longest that a count is shown, in milliseconds: it may have waited for something else. */
const LASTS_AT_MOST_MS = 10_000;

/** Counts the open settlements of all processes, and shows them in the metrics. */
export class OpenSettlementCounter {
  readonly #deps: OpenSettlementCounterDeps;
  /** When the next count is made, by the monotonic clock. */
  #nextAt = Number.NEGATIVE_INFINITY;

  constructor(deps: OpenSettlementCounterDeps) {
    this.#deps = deps;
  }

  /**
   * Counts, if it is time. An old count would mislead: while the ledger cannot be read, nothing is shown.
   *
   * @param ledgerAnswers whether the ledger took the last heartbeat
   * @throws what the ledger threw
   */
  async count(ledgerAnswers: boolean): Promise<void> {
    const { store, metrics, clock, monotonic } = this.#deps;
    const begunAt = monotonic();
    if (ledgerAnswers && begunAt < this.#nextAt) return;
    this.#nextAt = Number.NEGATIVE_INFINITY;
    try {
      metrics.setOpenSettlements(await store.countOpen(), clock());
    } catch (fault) {
      metrics.setOpenSettlements(undefined, clock());
      throw fault;
    }
    const now = monotonic();
    this.#nextAt = now + Math.min(TIMES_AS_LONG * (now - begunAt), LASTS_AT_MOST_MS);
  }
}
