import type { PaymentRecord } from '../domain/payment-record.ts';

/** Most debts that wait in memory, of some kilobytes each. Further ones wait in the ledger alone. */
const MOST_WAITING = 1000;

/** The parts of {@link OwnDebts}. */
export interface OwnDebtsDeps {
  /** Settles one debt and writes down the outcome. Never throws. */
  readonly look: (record: PaymentRecord) => Promise<void>;
  /** Has debts settled that the ledger hands out now. */
  readonly takeDue: () => void;
  /** How long a debt is held for this process, in milliseconds. */
  readonly holdMs: number;
  /** Most debts in work at once. */
  readonly atOnce: number;
  /** Unix milliseconds. */
  readonly clock: () => number;
}

/**
 * Settles the answers on credit that went out of this process, by the rows that their requests hold: nothing is read
 * from the ledger, and nobody has to take them. A debt is written down as held, by a time of its next look ahead.
 *
 * | killed | the row says | who settles it |
 * |---|---|---|
 * | before the answer is over | `owed`, without a time | recovery of any process, once this one counts as gone |
 * | while it waits here | `owed`, held for this process | the same; or at the end of the hold, whatever comes first |
 * | while it is settled | `settling` | recovery, by proof |
 *
 * A hold that ends early does no harm: each step carries the row's epoch, and whoever took the row has raised it.
 */
export class OwnDebts {
  readonly #deps: OwnDebtsDeps;
  #waiting: PaymentRecord[] = [];
  readonly #atWork = new Set<Promise<void>>();
  #isStopping = false;

  constructor(deps: OwnDebtsDeps) {
    this.#deps = deps;
  }

  /**
   * The `checkAt` of a debt whose answer is over, in Unix milliseconds: later, where it is held for this process; now,
   * where the ledger hands it out.
   */
  dueAt(): number {
    const { clock, holdMs } = this.#deps;
    return this.#isStopping || this.#waiting.length >= MOST_WAITING ? clock() : clock() + holdMs;
  }

  /** Settles a debt with the `checkAt` of {@link dueAt}, once there is room for it. */
  settle(record: PaymentRecord): void {
    if (this.#isStopping) return;
    if (record.checkAt <= this.#deps.clock()) {
      this.#deps.takeDue();
      return;
    }
    this.#waiting.push(record);
    this.#fill();
  }

  /** Ends after the looks under way. What waits stays in the ledger, for the process that takes it. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#waiting = [];
    await Promise.all(this.#atWork);
  }

  #fill(): void {
    while (this.#atWork.size < this.#deps.atOnce) {
      const record = this.#waiting.shift();
      if (record === undefined) return;
      const look = this.#deps.look(record).then(() => {
        this.#atWork.delete(look);
        this.#fill();
      });
      this.#atWork.add(look);
    }
  }
}
