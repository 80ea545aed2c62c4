import type { OwnDebt } from '../domain/own-debt.ts';

/** A debt that is being settled. Neither part of it rejects. */
export interface SettlingDebt {
  /** Resolves when all that is known is written down. */
  readonly over: Promise<void>;
  /** Puts down how its answer ended, where that is not written yet: from `checkAt` on any process may go on. */
  putDown(checkAt: number): Promise<void>;
}

/** The parts of {@link OwnDebts}. */
export interface OwnDebtsDeps {
  readonly begin: (debt: OwnDebt) => SettlingDebt;
  /** Has debts settled that the ledger hands out now. */
  readonly takeDue: () => void;
  /** Most debts that are in work at once. */
  readonly most: number;
  /** How long a debt that was put down is held for this process, in milliseconds. */
  readonly holdMs: number;
  /** Unix milliseconds. */
  readonly clock: () => number;
}

/** Until the rows of a process that ends are another one's, with room for its looks; in milliseconds. */
const IN_TIME_MS = 60_000;
/** How often debts are put down that were in work already the last time, in milliseconds. */
const PUT_DOWN_MS = 1000;

/**
 * Settles the answers on credit that went out of this process, by the rows that their requests hold: nothing is read
 * from the ledger, nobody has to take them, and how the answer ended is written down with the attempt to settle. Where
 * that takes a second or two, or this process ends, it is put down before. Where that many are in work already, the
 * ledger hands the debt out, to any process.
 *
 * | killed | the row says | who settles it |
 * |---|---|---|
 * | before the answer is over, or in the moment after it | `owed`, without a time | recovery of any process, once this one counts as gone; a safe call can then be collected once more |
 * | after its end was put down | `owed`, how the answer ended, and a time | the same; or at that time, whatever comes first |
 * | while it is settled | `settling`, and how the answer ended | recovery, by proof |
 *
 * If this process only seemed to be gone, that does no harm: each step carries the row's epoch, and whoever took the row
 * has raised it.
 */
export class OwnDebts {
  readonly #deps: OwnDebtsDeps;
  readonly #inWork = new Set<SettlingDebt>();
  /** Those of them that were in work the last time that debts were put down. */
  #slow: ReadonlySet<SettlingDebt> = new Set();
  #timer: NodeJS.Timeout | undefined;
  #isStopping = false;

  constructor(deps: OwnDebtsDeps) {
    this.#deps = deps;
  }

  /**
   * Has a debt settled whose answer is over.
   *
   * @param write writes the row with the answer's end and this `checkAt`, in Unix milliseconds, for the ledger to hand
   *   out; where it rejects, nothing is done
   */
  async add(debt: OwnDebt, write: (checkAt: number) => Promise<void>): Promise<void> {
    if (this.#isRoomFor(debt)) {
      this.#begin(debt);
      return;
    }
    await write(this.#deps.clock());
    this.#deps.takeDue();
  }

  /** Ends after those in work, whose ends are put down first. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#timer);
    await this.#putDown(this.#inWork);
    await Promise.all([...this.#inWork].map(({ over }) => over));
  }

  /** A debt that soon cannot be paid any more is the ledger's: should this process end, another one must be in time. */
  #isRoomFor({ held: { expiresAt } }: OwnDebt): boolean {
    const { most, clock } = this.#deps;
    return !this.#isStopping && this.#inWork.size < most && expiresAt * 1000 - clock() >= IN_TIME_MS;
  }

  #begin(debt: OwnDebt): void {
    const settling = this.#deps.begin(debt);
    this.#inWork.add(settling);
    void settling.over.then(() => void this.#inWork.delete(settling));
    this.#timer ??= setInterval(() => this.#look(), PUT_DOWN_MS).unref();
  }

  #look(): void {
    void this.#putDown(this.#slow);
    this.#slow = new Set(this.#inWork);
    if (this.#inWork.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #putDown(debts: ReadonlySet<SettlingDebt>): Promise<void> {
    const { clock, holdMs } = this.#deps;
    const inWork = [...debts].filter((debt) => this.#inWork.has(debt));
    await Promise.all(inWork.map((debt) => debt.putDown(clock() + holdMs)));
  }
}
