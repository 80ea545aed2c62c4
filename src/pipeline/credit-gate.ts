/** How much may be owed: answers, or atomic units of an asset. */
export interface CreditBounds {
  readonly maxUnsettled: number | bigint;
  readonly maxUnsettledPerPayer: number | bigint;
}

/** What the ledger says is owed, in the same measure. Counts go no further than `upTo`. */
export interface OwedCounts {
  all(upTo: number): Promise<number | bigint>;
  ofPayer(upTo: number): Promise<number | bigint>;
}

/**
 * How long a count over all payers is used, in milliseconds: where much is owed, to count it for every answer would take
 * longer than the answer.
 */
const COUNT_LASTS_MS = 100;

/** Leave to answer once before the money moves. */
export interface Credit {
  readonly payer: string;
  /** What it counts for. */
  readonly weight: bigint;
  /** When the debt was in the ledger, in ticks of the gate. */
  writtenAt: number;
}

/** A count over all payers, under way or done. */
interface Total {
  readonly upTo: bigint;
  /** Tick at which it began: it has seen the debts that were written before. */
  readonly since: number;
  /** By the clock. */
  readonly until: number;
  readonly owed: Promise<number | bigint>;
}

/**
 * Keeps `settle: deferred` within its bounds. A count of the ledger alone would let through as many requests as come at
 * once: a payer with the money for one call could have a thousand answers. So the gate also counts the answers whose
 * debt was not in the ledger yet when the count began; in doubt one too many, never one too few. One too many costs a
 * request its credit and nobody money: it is settled before it is answered.
 *
 * Exact within a process. Several processes know of each other's debts through the ledger only, and can together
 * exceed the bound of a payer by what they begin in the same moment, that of all by what they begin in the same
 * {@link COUNT_LASTS_MS}.
 */
export class CreditGate {
  readonly #clock: () => number;
  readonly #credits = new Set<Credit>();
  /** Requests that wait for counts, with the tick at which the older of theirs began. */
  readonly #taking = new Set<{ since: number }>();
  #total: Total | undefined;
  #tick = 0;

  /** @param clock milliseconds that only go forward */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock;
  }

  /** Gives leave for what counts for `weight`, unless that would exceed a bound. The caller says `written` or `release` when it knows. */
  async take(payer: string, bounds: CreditBounds, counts: OwedCounts, weight = 1n): Promise<Credit | undefined> {
    this.#tick += 1;
    const since = this.#tick;
    const credit: Credit = { payer, weight, writtenAt: Number.POSITIVE_INFINITY };
    const taking = { since };
    this.#credits.add(credit);
    this.#taking.add(taking);
    try {
      const total = this.#countAll(BigInt(bounds.maxUnsettled), counts);
      taking.since = total.since;
      const [all, ofPayer] = await Promise.all([total.owed, counts.ofPayer(Number(bounds.maxUnsettledPerPayer))]);
      const isWithin =
        BigInt(all) + this.#unseen(total.since) <= bounds.maxUnsettled &&
        BigInt(ofPayer) + this.#unseen(since, payer) <= bounds.maxUnsettledPerPayer;
      if (isWithin) return credit;
      this.#credits.delete(credit);
      return undefined;
    } catch (fault) {
      this.#credits.delete(credit);
      throw fault;
    } finally {
      this.#taking.delete(taking);
      this.#forget();
    }
  }

  /** The debt is in the ledger: counts that begin from now on see it there. */
  written(credit: Credit): void {
    this.#tick += 1;
    credit.writtenAt = this.#tick;
    this.#forget();
  }

  /** The request is over. Without a debt that was written there will be none. */
  release(credit: Credit): void {
    if (credit.writtenAt === Number.POSITIVE_INFINITY) this.#credits.delete(credit);
  }

  /** The count of a moment ago, or a new one. One that failed is nobody's any more. */
  #countAll(upTo: bigint, counts: OwedCounts): Total {
    const now = this.#clock();
    const known = this.#total;
    if (known !== undefined && known.upTo === upTo && now < known.until) return known;
    const total: Total = { upTo, since: this.#tick, until: now + COUNT_LASTS_MS, owed: counts.all(Number(upTo)) };
    this.#total = total;
    total.owed.catch(() => {
      if (this.#total === total) this.#total = undefined;
    });
    return total;
  }

  /** Answers whose debt a count that began at `since` has not seen; of one payer or of all. */
  #unseen(since: number, payer?: string): bigint {
    let weight = 0n;
    for (const credit of this.#credits) {
      if (credit.writtenAt > since && (payer === undefined || credit.payer === payer)) weight += credit.weight;
    }
    return weight;
  }

  /** Debts that every count under way or in use has seen in the ledger need not be remembered. */
  #forget(): void {
    let oldest = this.#total?.since ?? this.#tick;
    for (const { since } of this.#taking) oldest = Math.min(oldest, since);
    for (const credit of this.#credits) if (credit.writtenAt <= oldest) this.#credits.delete(credit);
  }
}
