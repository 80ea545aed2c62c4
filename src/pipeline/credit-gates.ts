import { parseDecimal } from '../domain/decimal.ts';
import type { Offer } from '../domain/offer.ts';
import type { DeferredBounds } from '../domain/plan.ts';
import type { Upkeep } from '../store/upkeep.ts';
import { type Credit, CreditGate } from './credit-gate.ts';

/** More than any asset's supply. */
const NO_BOUND = 2n ** 256n;

/** Permission to answer once before the money moves, in every measure that has a bound. */
export interface CreditLeave {
  readonly parts: readonly { readonly gate: CreditGate; readonly credit: Credit }[];
}

/** A debt that a payer is about to make; `offer.amount` is its maximum. */
export interface Debt {
  readonly payer: string;
  readonly offer: Offer;
}

/**
 * Keeps answers on credit within the bounds of the configuration: in their number, and, where it says so, in the sum of
 * what they may cost in each asset. {@link CreditGate} says how exact that is.
 */
export class CreditGates {
  readonly #clock: (() => number) | undefined;
  readonly #count: CreditGate;
  /** By network and asset; a configuration has a few of them. */
  readonly #money = new Map<string, CreditGate>();

  /** @param clock milliseconds; never goes back. Default: the process's own clock */
  constructor(clock?: () => number) {
    this.#clock = clock;
    this.#count = new CreditGate(clock);
  }

  /** Permits an answer, unless it would exceed a bound. The caller reports with `written` or `release`. */
  async take(
    debt: Debt,
    bounds: DeferredBounds,
    ledger: Pick<Upkeep, 'countOwed' | 'countOwedBy' | 'sumOwed'>,
  ): Promise<CreditLeave | undefined> {
    const { payer } = debt;
    const counted = await this.#count.take(payer, bounds, {
      all: (upTo) => ledger.countOwed(upTo),
      ofPayer: (upTo) => ledger.countOwedBy(payer, upTo),
    });
    if (counted === undefined) return undefined;
    const leave: CreditLeave = { parts: [{ gate: this.#count, credit: counted }] };
    try {
      const money = await this.#takeMoney(debt, bounds, ledger);
      if (money === 'no bound') return leave;
      if (money !== undefined) return { parts: [...leave.parts, ...money.parts] };
    } catch (fault) {
      this.release(leave);
      throw fault;
    }
    this.release(leave);
    return undefined;
  }

  /** The debt is in the ledger. */
  written({ parts }: CreditLeave): void {
    for (const { gate, credit } of parts) gate.written(credit);
  }

  /** The request is over: a debt that is not written yet will never be. */
  release({ parts }: CreditLeave): void {
    for (const { gate, credit } of parts) gate.release(credit);
  }

  async #takeMoney(
    { payer, offer }: Debt,
    { money }: DeferredBounds,
    ledger: Pick<Upkeep, 'sumOwed'>,
  ): Promise<CreditLeave | 'no bound' | undefined> {
    if (money.all === undefined && money.ofPayer === undefined) return 'no bound';
    const { network, asset, amount } = offer;
    const gate = this.#moneyGate(`${network} ${asset.address}`);
    const owed = { network, asset: asset.address };
    const bounds = {
      maxUnsettled: unitsOf(money.all, asset.decimals),
      maxUnsettledPerPayer: unitsOf(money.ofPayer, asset.decimals),
    };
    const sums = { all: () => ledger.sumOwed(owed, undefined), ofPayer: () => ledger.sumOwed(owed, payer) };
    const credit = await gate.take(payer, bounds, sums, amount);
    return credit && { parts: [{ gate, credit }] };
  }

  #moneyGate(asset: string): CreditGate {
    const known = this.#money.get(asset);
    if (known !== undefined) return known;
    const made = new CreditGate(this.#clock);
    this.#money.set(asset, made);
    return made;
  }
}

/** A bound in atomic units, rounded down. */
function unitsOf(decimal: string | undefined, decimals: number): bigint {
  const read = decimal === undefined ? undefined : parseDecimal(decimal);
  if (read === undefined) return NO_BOUND;
  return (read.digits * 10n ** BigInt(decimals)) / 10n ** BigInt(read.scale);
}
