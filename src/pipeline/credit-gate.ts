import type { DeferredBounds } from '../domain/plan.ts';
import type { OwedCount } from '../store/upkeep.ts';

/** Leave to answer once before the money moves. */
export interface Credit {
  readonly payer: string;
  /** When the debt was in the ledger, in ticks of the gate. */
  writtenAt: number;
}

/**
 * Keeps `settle: deferred` within its bounds. A count of the ledger alone would let through as many requests as come at
 * once: a payer with the money for one call could have a thousand answers. So the gate also counts the answers whose
 * debt was not in the ledger yet when the count began; in doubt one too many, never one too few.
 *
 * Exact within a process. Several processes know of each other's debts through the ledger only, and can together
 * exceed a bound by what they begin in the same moment.
 */
export class CreditGate {
  readonly #credits = new Set<Credit>();
  /** Ticks at which the counts that are under way began. */
  readonly #counting = new Set<number>();
  #tick = 0;

  /** Gives leave, unless that would exceed a bound. The caller says `written` or `release` when it knows. */
  async take(payer: string, bounds: DeferredBounds, count: () => Promise<OwedCount>): Promise<Credit | undefined> {
    this.#tick += 1;
    const since = this.#tick;
    const credit: Credit = { payer, writtenAt: Number.POSITIVE_INFINITY };
    this.#credits.add(credit);
    this.#counting.add(since);
    try {
      const owed = await count();
      if (this.#isWithin(bounds, owed, payer, since)) return credit;
      this.#credits.delete(credit);
      return undefined;
    } catch (fault) {
      this.#credits.delete(credit);
      throw fault;
    } finally {
      this.#counting.delete(since);
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

  #isWithin(
    { maxUnsettled, maxUnsettledPerPayer }: DeferredBounds,
    owed: OwedCount,
    payer: string,
    since: number,
  ): boolean {
    let all = owed.all;
    let ofPayer = owed.ofPayer;
    for (const credit of this.#credits) {
      if (credit.writtenAt <= since) continue;
      all += 1;
      if (credit.payer === payer) ofPayer += 1;
    }
    return all <= maxUnsettled && ofPayer <= maxUnsettledPerPayer;
  }

  /** Debts that every count under way has seen in the ledger need not be remembered. */
  #forget(): void {
    const oldest = Math.min(...this.#counting, this.#tick);
    for (const credit of this.#credits) if (credit.writtenAt <= oldest) this.#credits.delete(credit);
  }
}
