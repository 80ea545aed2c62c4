import type { AssetNames } from '../../admin/asset-names.ts';
import { formatDecimal } from '../../domain/decimal.ts';
import type { BookFilter } from '../../store/books.ts';
import { type Cli, type CliWorld, example } from '../cli.ts';
import type { ExitCode } from '../exit.ts';
import { notice } from '../terminal.ts';
import { type OpenBooks, withBooks } from './open-books.ts';
import { readPages } from './pages.ts';
import { addSelection, readSelection, type SelectionOptions } from './selection.ts';
import { shortened, Table } from './table.ts';
import { Unreadable } from './unreadable.ts';
import { type UsageTotal, UsageTotals } from './usage-totals.ts';

interface UsageOptions extends SelectionOptions {
  readonly json?: boolean;
}

/** Adds `turnpike ledger usage`. */
export function addUsage({ program, finish, ...world }: Cli, clock: () => number): void {
  addSelection(program.command('usage').description('add up what was used at metered prices, per day (UTC) and model'))
    .option('--json', 'write the sums as JSON')
    .addHelpText(
      'after',
      example('turnpike ledger usage --since 30d', 'turnpike ledger usage --route chat --json | jq .lines'),
    )
    .action(async (options: UsageOptions) => finish(await usage(options, world, clock())));
}

async function usage(options: UsageOptions, world: CliWorld, now: number): Promise<ExitCode> {
  const filter = readSelection(options, now);
  const { route } = options;
  return await withBooks({ place: options, world, route }, async (open) => {
    const { assets, name, out } = open;
    const unreadable = new Unreadable();
    const totals = await addUp(open, filter, unreadable);
    if (options.json === true) {
      await out.lines([JSON.stringify({ lines: totals.map((total) => describe(total, assets)) }, null, 2)]);
    } else if (totals.length === 0) notice(world.terminal, `nothing was charged by what was used in ${name}`);
    else await out.lines(tableOf(totals, assets));
    unreadable.failIfAny();
    return 0;
  });
}

async function addUp(
  { books, assets }: OpenBooks,
  filter: BookFilter,
  unreadable: Unreadable,
): Promise<readonly UsageTotal[]> {
  const totals = new UsageTotals((id) => assets.idOf(id));
  for await (const page of readPages(books, { ...filter, metered: true })) {
    unreadable.add(page.unreadable);
    for (const record of page.records) totals.add(record);
  }
  return totals.sorted();
}

/** A line for each dimension, of which the first has the rest. */
function tableOf(totals: readonly UsageTotal[], assets: AssetNames): readonly string[] {
  const table = new Table(['DAY (UTC)', 'MODEL', 'CALLS', 'USED', '', 'CHARGED'], 'MODEL');
  return table.rows(totals.flatMap((total) => cellsOf(total, assets))).map(blank);
}

function cellsOf(total: UsageTotal, assets: AssetNames): readonly (readonly string[])[] {
  const used: (readonly [count: string, what: string])[] = [...total.figures].map(([dimension, count]) => [
    formatDecimal(count),
    dimension,
  ]);
  if (total.missing > 0) used.push([String(total.missing), 'without usage']);
  const [[count, dimension] = ['', '']] = used;
  const asset = assets.find(total) === undefined ? ` ${shortened(total.asset)}` : '';
  const charged = `${assets.amount(total, total.charged)}${asset}`;
  const first = [total.day, total.model ?? '', String(total.calls), count, dimension, charged];
  return [first, ...used.slice(1).map(([sum, name]) => [SAME, SAME, SAME, sum, name, SAME])];
}

/** What stands above: tables show `-` for an empty cell, and this is none. */
const SAME = '\u2009';

function blank(line: string): string {
  return line.replaceAll(SAME, ' ').trimEnd();
}

function describe(total: UsageTotal, assets: AssetNames) {
  const { day, model, network, asset, calls, missing, charged, settled, figures } = total;
  return {
    day,
    model: model ?? null,
    network,
    asset,
    symbol: assets.find(total)?.symbol ?? null,
    calls,
    missing,
    used: Object.fromEntries([...figures].map(([dimension, count]) => [dimension, formatDecimal(count)])),
    charged: assets.units(total, charged) ?? null,
    chargedAtomic: charged.toString(10),
    settled: assets.units(total, settled) ?? null,
    settledAtomic: settled.toString(10),
  };
}
