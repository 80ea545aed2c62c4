import type { Metrics } from '../observe/metrics.ts';
import { Sparing } from '../recovery/sparing.ts';
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

/** Counts the open settlements of all processes, and shows them in the metrics. */
export class OpenSettlementCounter {
  readonly #deps: OpenSettlementCounterDeps;
  readonly #turns = new Sparing();
  #last = 0;

  constructor(deps: OpenSettlementCounterDeps) {
    this.#deps = deps;
  }

  /** How many there were at the last count. */
  get last(): number {
    return this.#last;
  }

  /**
   * Counts, if it is time. An old count would mislead: while the ledger cannot be read, nothing is shown.
   *
   * @param ledgerAnswers whether the ledger took the last heartbeat
   * @throws what the ledger threw
   */
  async count(ledgerAnswers: boolean): Promise<void> {
    const { store, metrics, clock, monotonic } = this.#deps;
    if (ledgerAnswers && !this.#turns.takeTurn(this.#last, monotonic())) return;
    try {
      const counts = await store.countOpen();
      metrics.setOpenSettlements(counts, clock());
      this.#last = counts.reduce((sum, { count }) => sum + count, 0);
    } catch (fault) {
      this.#turns.hurry();
      metrics.setOpenSettlements(undefined, clock());
      throw fault;
    }
  }
}
