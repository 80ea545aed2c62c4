import type { Facilitator } from '../facilitator/facilitator.ts';
import type { SettlerAccount, SettlerMetrics } from '../observe/settler-metrics.ts';

/** How often the accounts are read, in milliseconds. */
const LOOK_EVERY_MS = 30_000;

/** The parts of the watch. */
export interface SettlerWatchDeps {
  /** The facilitators that this process has open now. */
  readonly facilitators: () => Iterable<Facilitator>;
  readonly metrics: SettlerMetrics;
  /**
   * Calls a function repeatedly; the returned function ends that. Default: a timer that does not keep the process
   * alive.
   */
  readonly repeat?: (everyMs: number, run: () => void) => () => void;
}

/**
 * Reads in the background the balances of the accounts that pay for settlements, so that an operator learns that gas
 * money runs out before buyers do. No request and no scrape waits for it.
 */
export class SettlerWatch {
  readonly #deps: SettlerWatchDeps;
  readonly #end: () => void;
  #looking: Promise<void> | undefined;
  #isOver = false;

  constructor(deps: SettlerWatchDeps) {
    this.#deps = deps;
    const { repeat = unrefInterval } = deps;
    this.#end = repeat(LOOK_EVERY_MS, () => void this.look());
    void this.look();
  }

  /** Reads now, or waits for the read that is running. Never rejects. */
  async look(): Promise<void> {
    this.#looking ??= this.#read().finally(() => {
      this.#looking = undefined;
    });
    await this.#looking;
  }

  /** Stops reading. */
  stop(): void {
    this.#isOver = true;
    this.#end();
  }

  async #read(): Promise<void> {
    const looks = [...this.#deps.facilitators()].map(readAccounts);
    const accounts = (await Promise.all(looks)).flat();
    if (!this.#isOver) this.#deps.metrics.setSettlers(accounts);
  }
}

async function readAccounts(facilitator: Facilitator): Promise<readonly SettlerAccount[]> {
  const readings = (await facilitator.funds?.()) ?? [];
  return readings.map((reading) => ({ facilitator: facilitator.name, ...reading }));
}

function unrefInterval(everyMs: number, run: () => void): () => void {
  const timer = setInterval(run, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}
