import { formatUnits } from '../domain/amount.ts';
import { routeNameOf } from '../domain/route-price.ts';
import type { BookTotal, ModelTotal } from '../store/books.ts';
import type { AssetNames } from './asset-names.ts';

/** Money of one unit, exact. The same token on several networks is one unit, as its owner counts. */
export interface Money {
  /** `null`: an asset that is not known, in atomic units. */
  readonly symbol: string | null;
  /** Whole units; atomic ones where `symbol` is `null`. */
  readonly amount: string;
  readonly settled: number;
  readonly open: number;
}

/** The earnings of one route, network, asset or day. */
export interface Earning {
  readonly name: string;
  readonly money: readonly Money[];
}

/** Adds lines up to the earnings of each name, the busiest first. */
export function earningsBy<Line extends BookTotal>(
  lines: readonly Line[],
  assets: AssetNames,
  nameOf: (line: Line) => string,
): readonly Earning[] {
  const groups = Map.groupBy(lines, nameOf);
  const earnings = [...groups].map(([name, group]) => ({ name, money: moneyOf(group, assets) }));
  const payments = (earning: Earning): number =>
    earning.money.reduce((sum, { settled, open }) => sum + settled + open, 0);
  return earnings.sort((a, b) => payments(b) - payments(a) || (a.name < b.name ? -1 : 1));
}

/** The sums of lines by unit, the busiest first. */
export function moneyOf(lines: readonly BookTotal[], assets: AssetNames): readonly Money[] {
  const sums = new Map<string, { line: BookTotal; amount: bigint; settled: number; open: number }>();
  for (const line of lines) {
    const unit = unitOf(line, assets);
    const sum = sums.get(unit) ?? { line, amount: 0n, settled: 0, open: 0 };
    sum.amount += line.amount;
    sum.settled += line.settled;
    sum.open += line.open;
    sums.set(unit, sum);
  }
  return [...sums.values()]
    .sort((a, b) => b.settled - a.settled)
    .map(({ line, amount, settled, open }) => {
      const asset = assets.find(line);
      const shown = asset === undefined ? amount.toString(10) : formatUnits(amount, asset.decimals);
      return { symbol: asset?.symbol ?? null, amount: shown, settled, open };
    });
}

/**
 * Everything about the money of some days.
 *
 * @param models the part of it that was charged by usage
 * @param draws calls paid by balances, counted in the place of payments. Their money moved when the balances were
 *   bought, and does not count as revenue again
 */
export function describeRevenue(
  lines: readonly BookTotal[],
  models: readonly ModelTotal[],
  draws: readonly ModelTotal[],
  assets: AssetNames,
) {
  return {
    money: moneyOf(lines, assets),
    byRoute: earningsBy(lines, assets, ({ route }) => routeNameOf(route)),
    byNetwork: earningsBy(lines, assets, ({ network }) => assets.network(network)),
    byAsset: earningsBy(lines, assets, (line) => assetName(line, assets)),
    // For routes with several prices, by request or by MCP tool: the earnings of each price.
    byPrice: earningsBy(
      lines.filter(({ route }) => route.includes('#')),
      assets,
      ({ route }) => route,
    ),
    byModel: earningsBy(models, assets, modelName),
    usedOfBalances: earningsBy(draws, assets, modelName),
  };
}

function modelName({ model }: ModelTotal): string {
  return model ?? 'no model named';
}

function unitOf(line: BookTotal, assets: AssetNames): string {
  const asset = assets.find(line);
  return asset === undefined ? assets.idOf(line) : `${asset.decimals} ${asset.symbol}`;
}

function assetName(line: BookTotal, assets: AssetNames): string {
  return `${assets.find(line)?.symbol ?? line.asset} on ${assets.network(line.network)}`;
}
