import type { OwnDebt } from '../domain/own-debt.ts';

/** The parts of {@link OwnDebts}. */
export interface OwnDebtsDeps {
  /** Settles one debt, and writes down how its answer ended and the outcome. Never throws. */
  readonly settle: (debt: OwnDebt) => Promise<void>;
  /** Has debts settled that the ledger hands out now. */
  readonly takeDue: () => void;
  /** Most debts that are in work at once. */
  readonly most: number;
  /** Unix milliseconds. */
  readonly clock: () => number;
}

/** Until the rows of a process that ends are another one's, with room for its looks; in milliseconds. */
const IN_TIME_MS = 60_000;

/**
 * Settles the answers on credit that went out of this process, by the rows that their requests hold: nothing is read
 * from the ledger, nobody has to take them, and how the answer ended is written down with the attempt to settle. Where
 * that many are in work already, the ledger hands the debt out, to any process.
 *
 * | killed | the row says | who settles it |
 * |---|---|---|
 * | before the answer is over, or before the attempt is written down | `owed`, without a time | recovery of any process, once this one counts as gone; a safe call can then be collected once more |
 * | while it is settled | `settling`, and how the answer ended | recovery, by proof |
 *
 * If this process only seemed to be gone, that does no harm: each step carries the row's epoch, and whoever took the row
 * has raised it.
 */
export class OwnDebts {
  readonly #deps: OwnDebtsDeps;
  readonly #inWork = new Set<Promise<void>>();
  #isStopping = false;

  constructor(deps: OwnDebtsDeps) {
    this.#deps = deps;
  }

  /**
   * Has a debt settled whose answer is over.
   *
   * @param write writes the row with the answer's end and this `checkAt`, in Unix milliseconds, for the ledger to hand out; where it
   *   rejects, nothing is done
   */
  async add(debt: OwnDebt, write: (checkAt: number) => Promise<void>): Promise<void> {
    if (this.#isRoomFor(debt)) {
      this.#begin(debt);
      return;
    }
    await write(this.#deps.clock());
    this.#deps.takeDue();
  }

  /** Ends after those in work. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#inWork);
  }

  /** A debt that soon cannot be paid any more is the ledger's: should this process end, another one must be in time. */
  #isRoomFor({ held: { expiresAt } }: OwnDebt): boolean {
    const { most, clock } = this.#deps;
    return !this.#isStopping && this.#inWork.size < most && expiresAt * 1000 - clock() >= IN_TIME_MS;
  }

  #begin(debt: OwnDebt): void {
    const work = this.#deps.settle(debt).then(() => void this.#inWork.delete(work));
    this.#inWork.add(work);
  }
}
