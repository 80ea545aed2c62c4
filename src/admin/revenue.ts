import { formatUnits } from '../domain/amount.ts';
import { routeNameOf } from '../domain/route-price.ts';
import type { Books, BookTotal } from '../store/books.ts';
import { DAY_MS, dayOf } from '../store/totals.ts';
import type { AssetNames } from './asset-names.ts';

/** Most days that are looked back. */
export const MOST_DAYS = 366;
/** How long totals of days that are over are taken as they were read, in milliseconds: they hardly change. */
const KEEP_MS = 60_000;

/** Money of one unit: the same token on several networks is one, as its owner counts. Exact. */
export interface Money {
  /** `null`: an asset that is not known, in atomic units. */
  readonly symbol: string | null;
  /** Whole units; atomic ones where `symbol` is `null`. */
  readonly amount: string;
  readonly settled: number;
  readonly open: number;
}

/** What one thing earned: a route, a network, an asset, a day. */
export interface Earning {
  readonly name: string;
  readonly money: readonly Money[];
}

/** Totals of the books by day, of which those of days that are over are read once a minute. */
export class DailyTotals {
  readonly #books: Pick<Books, 'summarize'>;
  readonly #clock: () => number;
  /** By the first day. */
  readonly #past = new Map<
    number,
    { readonly today: number; readonly at: number; lines: Promise<readonly BookTotal[]> }
  >();

  /** @param clock Unix milliseconds */
  constructor(books: Pick<Books, 'summarize'>, clock: () => number) {
    this.#books = books;
    this.#clock = clock;
  }

  /** The lines of the last so many UTC days, today included, oldest first. */
  async of(days: number): Promise<readonly BookTotal[]> {
    const now = this.#clock();
    const today = dayOf(now);
    const fresh = this.#books.summarize({ since: today * DAY_MS });
    const past = days > 1 ? this.#pastFrom(today - days + 1, today, now) : [];
    const [before, since] = await Promise.all([past, fresh]);
    return [...before, ...since];
  }

  #pastFrom(first: number, today: number, now: number): Promise<readonly BookTotal[]> {
    const kept = this.#past.get(first);
    if (kept !== undefined && kept.today === today && now - kept.at < KEEP_MS) return kept.lines;
    const lines = this.#books.summarize({ since: first * DAY_MS, until: today * DAY_MS });
    for (const [day, { today: of }] of this.#past) if (of !== today) this.#past.delete(day);
    this.#past.set(first, { today, at: now, lines });
    // What could not be read is asked for again.
    lines.catch(() => this.#past.delete(first));
    return lines;
  }
}

/** Adds lines up to what each thing earned, the busiest first. */
export function earningsBy(
  lines: readonly BookTotal[],
  assets: AssetNames,
  nameOf: (line: BookTotal) => string,
): readonly Earning[] {
  const groups = Map.groupBy(lines, nameOf);
  const earnings = [...groups].map(([name, group]) => ({ name, money: moneyOf(group, assets) }));
  const payments = (earning: Earning): number =>
    earning.money.reduce((sum, { settled, open }) => sum + settled + open, 0);
  return earnings.sort((a, b) => payments(b) - payments(a) || (a.name < b.name ? -1 : 1));
}

/** What lines come to, by unit, the busiest first. */
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

/** Everything about the money of some days. */
export function describeRevenue(lines: readonly BookTotal[], assets: AssetNames) {
  return {
    money: moneyOf(lines, assets),
    byRoute: earningsBy(lines, assets, ({ route }) => routeNameOf(route)),
    byNetwork: earningsBy(lines, assets, ({ network }) => assets.network(network)),
    byAsset: earningsBy(lines, assets, (line) => assetName(line, assets)),
  };
}

function unitOf(line: BookTotal, assets: AssetNames): string {
  const asset = assets.find(line);
  return asset === undefined ? assets.idOf(line) : `${asset.decimals} ${asset.symbol}`;
}

function assetName(line: BookTotal, assets: AssetNames): string {
  return `${assets.find(line)?.symbol ?? line.asset} on ${assets.network(line.network)}`;
}
