import type { Network } from '../domain/network.ts';
import type { BookTotal } from '../store/books.ts';
import type { AssetNames } from './asset-names.ts';

/** The sum of one asset on one network, over all days and routes. */
export type AssetTotal = Omit<BookTotal, 'day' | 'route'>;

/** A sum as JSON shows it. */
export interface TotalEntry {
  /** CAIP-2. */
  readonly network: Network;
  readonly asset: string;
  /** `null` when the asset is not known, here and below. */
  readonly symbol: string | null;
  readonly settled: number;
  /** Whole units. */
  readonly amount: string | null;
  readonly amountAtomic: string;
  readonly open: number;
}

/** Adds lines up per asset, exactly. */
export function addUpAssets(lines: readonly BookTotal[], assets: AssetNames): readonly AssetTotal[] {
  const totals = new Map<string, AssetTotal>();
  for (const { network, asset, settled, amount, open } of lines) {
    // One contract has several spellings, and a configuration may have changed from one to another.
    const id = assets.idOf({ network, asset });
    const sum = totals.get(id) ?? { network, asset, settled: 0, amount: 0n, open: 0 };
    totals.set(id, { ...sum, settled: sum.settled + settled, amount: sum.amount + amount, open: sum.open + open });
  }
  return [...totals.values()];
}

/** Describes a sum. */
function describeTotal(total: AssetTotal, assets: AssetNames): TotalEntry {
  return {
    network: total.network,
    asset: total.asset,
    symbol: assets.find(total)?.symbol ?? null,
    settled: total.settled,
    amount: assets.units(total, total.amount) ?? null,
    amountAtomic: total.amount.toString(10),
    open: total.open,
  };
}

/** The totals as `turnpike ledger summary --json` and the admin page tell them. */
export function describeTotals(lines: readonly BookTotal[], assets: AssetNames) {
  return {
    lines: lines.map((line) => ({ day: line.day, route: line.route, ...describeTotal(line, assets) })),
    totals: addUpAssets(lines, assets).map((total) => describeTotal(total, assets)),
  };
}
