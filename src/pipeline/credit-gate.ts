/** How much may be owed: answers, or atomic units of an asset. */
export interface CreditBounds {
  readonly maxUnsettled: number | bigint;
  readonly maxUnsettledPerPayer: number | bigint;
}

/** The debts in the ledger, in the same measure. A count stops at `upTo`. */
export interface OwedCounts {
  all(upTo: number): Promise<number | bigint>;
  ofPayer(upTo: number): Promise<number | bigint>;
}

/**
 * How long a count over all payers is used, in milliseconds: with large debts, a count for every answer would take
 * longer than the answer.
 */
const COUNT_LASTS_MS = 100;

/** A count is used for this many times as long as it took: the larger the debts, the rarer they are counted. */
const TIMES_AS_LONG = 100;

/** The longest that a count is used, in milliseconds: it may have waited for a ledger that was away. */
const LASTS_AT_MOST_MS = 1000;

/** From so many answers on, what one payer owes is not counted for each answer either. */
const MANY = 1000;

/** Permission to answer once before the money moves. */
export interface Credit {
  readonly payer: string;
  /** Its weight in the bound. */
  readonly weight: bigint;
}

/** A count of the ledger, running or done. */
interface Count {
  /** Of one payer; else of all. */
  readonly payer: string | undefined;
  readonly upTo: bigint;
  readonly owed: Promise<number | bigint>;
  /** Weight of the answers whose debt was not in the ledger yet when it began. */
  unseen: bigint;
  /** Requests that wait for it, or look at it. */
  users: number;
  /** Time of the clock until which further requests use it. */
  until: number;
}

/**
 * Keeps `settle: deferred` within its bounds. A count of the ledger alone would admit any number of simultaneous
 * requests: a payer with the money for one call could have a thousand answers. The gate therefore also counts the
 * answers whose debt was not in the ledger yet when the count began. In doubt it counts one too many, never one too
 * few. A request may lose its credit by that, but nobody loses money: the request is then settled before its answer.
 *
 * Exact within a process. Processes know of each other's debts through the ledger only. Together they can exceed the
 * bound of a payer by what they begin in the same moment, and the bound of all payers by what they begin in the same
 * {@link COUNT_LASTS_MS}. Where a count takes long, or a payer owes {@link MANY}, it is what they begin while the count
 * is used.
 */
export class CreditGate {
  readonly #clock: () => number;
  /** Answers that are permitted, and whose debt is not in the ledger yet. */
  readonly #unwritten = new Set<Credit>();
  /** Counts that are used, or may be used again. */
  readonly #counts = new Set<Count>();
  #total: Count | undefined;
  /** Of payers that owe many. */
  readonly #ofPayers = new Map<string, Count>();

  /** @param clock milliseconds; never goes back */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock;
  }

  /**
   * Permits an answer of this `weight`, unless it would exceed a bound. The caller reports with `written` or `release`.
   */
  async take(payer: string, bounds: CreditBounds, counts: OwedCounts, weight = 1n): Promise<Credit | undefined> {
    const credit: Credit = { payer, weight };
    this.#unwritten.add(credit);
    this.#weigh(payer, weight);
    const used: Count[] = [];
    let isWithin = false;
    try {
      const total = this.#use(used, this.#countAll(BigInt(bounds.maxUnsettled), counts));
      const own = this.#use(used, this.#countPayer(payer, BigInt(bounds.maxUnsettledPerPayer), counts));
      const [all, ofPayer] = await Promise.all([total.owed, own.owed]);
      isWithin =
        BigInt(all) + total.unseen <= bounds.maxUnsettled &&
        BigInt(ofPayer) + own.unseen <= bounds.maxUnsettledPerPayer;
    } finally {
      for (const count of used) count.users -= 1;
      if (!isWithin) this.release(credit);
      this.#forget();
    }
    return isWithin ? credit : undefined;
  }

  /** The debt is in the ledger: counts that begin from now on include it. */
  written(credit: Credit): void {
    this.#unwritten.delete(credit);
  }

  /** The request is over: a debt that is not written yet will never be. */
  release(credit: Credit): void {
    if (this.#unwritten.delete(credit)) this.#weigh(credit.payer, -credit.weight);
  }

  #use(used: Count[], count: Count): Count {
    count.users += 1;
    used.push(count);
    return count;
  }

  /** Adds to what counts did not see: each of them began before the debt is written. */
  #weigh(payer: string, weight: bigint): void {
    for (const count of this.#counts) if (concerns(count, payer)) count.unseen += weight;
  }

  #begin(payer: string | undefined, upTo: bigint, until: number, owed: Promise<number | bigint>): Count {
    const count: Count = { payer, upTo, owed, unseen: 0n, users: 0, until };
    for (const credit of this.#unwritten) if (concerns(count, credit.payer)) count.unseen += credit.weight;
    this.#counts.add(count);
    return count;
  }

  /** The count in use, or a new one. A failed count is not used again. */
  #countAll(upTo: bigint, counts: OwedCounts): Count {
    const now = this.#clock();
    const known = this.#total;
    if (isUsable(known, upTo, now)) return known;
    const total = this.#begin(undefined, upTo, now + COUNT_LASTS_MS, counts.all(Number(upTo)));
    this.#total = total;
    total.owed.then(
      () => {
        total.until = Math.max(total.until, this.#untilAfter(now));
      },
      () => {
        if (this.#total === total) this.#total = undefined;
      },
    );
    return total;
  }

  /** The count in use of a payer that owes many, or a new one. */
  #countPayer(payer: string, upTo: bigint, counts: OwedCounts): Count {
    const now = this.#clock();
    const known = this.#ofPayers.get(payer);
    if (isUsable(known, upTo, now)) return known;
    this.#ofPayers.delete(payer);
    const own = this.#begin(payer, upTo, now, counts.ofPayer(Number(upTo)));
    own.owed.then(
      (count) => {
        // Amounts are no measure of how long a count takes. One that was forgotten meanwhile has missed debts.
        if (typeof count !== 'number' || count < MANY || !this.#counts.has(own)) return;
        own.until = this.#untilAfter(now);
        this.#ofPayers.set(payer, own);
      },
      () => undefined,
    );
    return own;
  }

  /** When a count that began at `from` and has ended now is not used any more. */
  #untilAfter(from: number): number {
    const now = this.#clock();
    return now + Math.min(TIMES_AS_LONG * (now - from), LASTS_AT_MOST_MS);
  }

  /** Forgets counts that nobody uses any more. */
  #forget(): void {
    const now = this.#clock();
    for (const [payer, { until }] of this.#ofPayers) if (until <= now) this.#ofPayers.delete(payer);
    for (const count of this.#counts) {
      const isKept = count === this.#total || (count.payer !== undefined && this.#ofPayers.get(count.payer) === count);
      if (count.users === 0 && !isKept) this.#counts.delete(count);
    }
  }
}

/** Whether a payer's debts are a part of a count. */
function concerns({ payer: counted }: Count, payer: string): boolean {
  return counted === undefined || counted === payer;
}

/** Whether a count may stand in for a new one. */
function isUsable(known: Count | undefined, upTo: bigint, now: number): known is Count {
  return known !== undefined && known.upTo === upTo && now < known.until;
}
