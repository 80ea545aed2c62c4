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
const TIMES_AS_LONG = 20;

/** The longest that a count is used, in milliseconds: it may have waited for a ledger that was away. */
const LASTS_AT_MOST_MS = 1000;

/** From so many answers on, what one payer owes is not counted for each answer either. */
const MANY = 1000;

/** Permission to answer once before the money moves. */
export interface Credit {
  readonly payer: string;
  /** Its weight in the bound. */
  readonly weight: bigint;
  /** When the debt was written to the ledger, in ticks of the gate. */
  writtenAt: number;
}

/** A count that is used again, over all payers or of one; running or done. */
interface KeptCount {
  readonly upTo: bigint;
  /** Tick at which it began: it includes debts that were written before. */
  readonly since: number;
  /** Time of the clock at which it expires. */
  until: number;
  readonly owed: Promise<number | bigint>;
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
  readonly #credits = new Set<Credit>();
  /** Requests that wait for counts, with the tick at which the older of their two counts began. */
  readonly #taking = new Set<{ since: number }>();
  #total: KeptCount | undefined;
  /** Of payers that owe many. */
  readonly #ofPayers = new Map<string, KeptCount>();
  #tick = 0;

  /** @param clock milliseconds; never goes back */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock;
  }

  /**
   * Permits an answer of this `weight`, unless it would exceed a bound. The caller reports with `written` or `release`.
   */
  async take(payer: string, bounds: CreditBounds, counts: OwedCounts, weight = 1n): Promise<Credit | undefined> {
    this.#tick += 1;
    const since = this.#tick;
    const credit: Credit = { payer, weight, writtenAt: Number.POSITIVE_INFINITY };
    const taking = { since };
    this.#credits.add(credit);
    this.#taking.add(taking);
    try {
      const total = this.#countAll(BigInt(bounds.maxUnsettled), counts);
      const own = this.#countPayer(payer, BigInt(bounds.maxUnsettledPerPayer), counts);
      taking.since = Math.min(total.since, own.since);
      const [all, ofPayer] = await Promise.all([total.owed, own.owed]);
      const isWithin =
        BigInt(all) + this.#unseen(total.since) <= bounds.maxUnsettled &&
        BigInt(ofPayer) + this.#unseen(own.since, payer) <= bounds.maxUnsettledPerPayer;
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

  /** The debt is in the ledger: counts that begin from now on include it. */
  written(credit: Credit): void {
    this.#tick += 1;
    credit.writtenAt = this.#tick;
    this.#forget();
  }

  /** The request is over: a debt that is not written yet will never be. */
  release(credit: Credit): void {
    if (credit.writtenAt === Number.POSITIVE_INFINITY) this.#credits.delete(credit);
  }

  /** The cached count, or a new one. A failed count is not cached. */
  #countAll(upTo: bigint, counts: OwedCounts): KeptCount {
    const now = this.#clock();
    const known = this.#total;
    if (isUsable(known, upTo, now)) return known;
    const owed = counts.all(Number(upTo));
    const total: KeptCount = { upTo, since: this.#tick, until: now + COUNT_LASTS_MS, owed };
    this.#total = total;
    owed.then(
      () => {
        total.until = Math.max(total.until, this.#untilAfter(now));
      },
      () => {
        if (this.#total === total) this.#total = undefined;
      },
    );
    return total;
  }

  /** The kept count of a payer that owes many, or a new one. */
  #countPayer(payer: string, upTo: bigint, counts: OwedCounts): KeptCount {
    const now = this.#clock();
    const known = this.#ofPayers.get(payer);
    if (isUsable(known, upTo, now)) return known;
    this.#ofPayers.delete(payer);
    const owed = counts.ofPayer(Number(upTo));
    const own: KeptCount = { upTo, since: this.#tick, until: now, owed };
    owed.then(
      (count) => {
        // Amounts are no measure of how long a count takes.
        if (typeof count !== 'number' || count < MANY) return;
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

  /** Answers whose debt a count that began at `since` does not include; of one payer or of all. */
  #unseen(since: number, payer?: string): bigint {
    let weight = 0n;
    for (const credit of this.#credits) {
      if (credit.writtenAt > since && (payer === undefined || credit.payer === payer)) weight += credit.weight;
    }
    return weight;
  }

  /** Forgets debts that every count, running or cached, includes. */
  #forget(): void {
    const now = this.#clock();
    let oldest = this.#total?.since ?? this.#tick;
    for (const [payer, { since, until }] of this.#ofPayers) {
      if (until <= now) this.#ofPayers.delete(payer);
      else oldest = Math.min(oldest, since);
    }
    for (const { since } of this.#taking) oldest = Math.min(oldest, since);
    for (const credit of this.#credits) if (credit.writtenAt <= oldest) this.#credits.delete(credit);
  }
}

/** Whether a kept count may stand in for a new one. */
function isUsable(known: KeptCount | undefined, upTo: bigint, now: number): known is KeptCount {
  return known !== undefined && known.upTo === upTo && now < known.until;
}
