import type { PaymentRecord } from '../domain/payment-record.ts';

/** The parts of {@link OwnDebts}. */
export interface OwnDebtsDeps {
  /** Settles one debt and writes down the outcome. Never throws. */
  readonly look: (record: PaymentRecord) => Promise<void>;
  /** Has debts settled that the ledger hands out now. */
  readonly takeDue: () => void;
  /** How long a debt is held for this process, in milliseconds. */
  readonly holdMs: number;
  /** Most debts that are held at once. */
  readonly most: number;
  /** Unix milliseconds. */
  readonly clock: () => number;
}

/**
 * Settles the answers on credit that went out of this process, by the rows that their requests hold: nothing is read
 * from the ledger, and nobody has to take them. Such a debt is written down as held, by a time of its next look ahead,
 * and settled at once. Where that many are at work already, the ledger hands it out, to any process.
 *
 * | killed | the row says | who settles it |
 * |---|---|---|
 * | before the answer is over | `owed`, without a time | recovery of any process, once this one counts as gone |
 * | before it is asked for | `owed`, held for this process | the same; or at the end of the hold, whatever comes first |
 * | while it is settled | `settling` | recovery, by proof |
 *
 * A hold that ends early does no harm: each step carries the row's epoch, and whoever took the row has raised it.
 */
export class OwnDebts {
  readonly #deps: OwnDebtsDeps;
  /** How many of those that are held are being written down; the others are looked at. */
  #writing = 0;
  readonly #looks = new Set<Promise<void>>();
  #isStopping = false;

  constructor(deps: OwnDebtsDeps) {
    this.#deps = deps;
  }

  /**
   * Writes down a debt whose answer is over, and has it settled.
   *
   * @param expiresAt Unix seconds at which its authorization ends
   * @param write writes the row with this `checkAt`, in Unix milliseconds; where it rejects, nothing is done
   */
  async add(expiresAt: number, write: (checkAt: number) => Promise<PaymentRecord>): Promise<void> {
    if (!this.#isRoomFor(expiresAt)) {
      await write(this.#deps.clock());
      this.#deps.takeDue();
      return;
    }
    this.#writing += 1;
    try {
      const record = await write(this.#deps.clock() + this.#deps.holdMs);
      // What is held stays in the ledger then, for the process that takes it.
      if (!this.#isStopping) this.#begin(record);
    } finally {
      this.#writing -= 1;
    }
  }

  /** Ends after the looks under way. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#looks);
  }

  /** A debt that soon cannot be paid any more is not held: should this process end, another one must be in time. */
  #isRoomFor(expiresAt: number): boolean {
    const { most, clock, holdMs } = this.#deps;
    const held = this.#writing + this.#looks.size;
    return !this.#isStopping && held < most && expiresAt * 1000 - clock() >= 2 * holdMs;
  }

  #begin(record: PaymentRecord): void {
    const look = this.#deps.look(record).then(() => void this.#looks.delete(look));
    this.#looks.add(look);
  }
}
