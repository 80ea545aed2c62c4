import type { AssetNames } from '../../admin/asset-names.ts';
import { type AssetTotal, addUpAssets, describeTotals } from '../../admin/totals.ts';
import type { BookFilter } from '../../store/books.ts';
import { type Cli, type CliWorld, example } from '../cli.ts';
import type { ExitCode } from '../exit.ts';
import { notice, type Terminal } from '../terminal.ts';
import { noteGonePayments } from './gone-payments.ts';
import { type OpenBooks, withBooks } from './open-books.ts';
import { addSelection, readSelection, type SelectionOptions } from './selection.ts';
import { shortened, Table } from './table.ts';

interface SummaryOptions extends SelectionOptions {
  readonly json?: boolean;
}

/** Adds `turnpike ledger summary`. */
export function addSummary({ program, finish, ...world }: Cli, clock: () => number): void {
  addSelection(program.command('summary').description('add payments up per day (UTC), route and asset'))
    .option('--json', 'write {lines, totals} as JSON')
    .addHelpText(
      'after',
      example('turnpike ledger summary --since 30d', 'turnpike ledger summary --since 2026-11-01 --json | jq .totals'),
    )
    .action(async (options: SummaryOptions) => finish(await summary(options, world, clock())));
}

async function summary(options: SummaryOptions, world: CliWorld, now: number): Promise<ExitCode> {
  const { terminal } = world;
  const filter = readSelection(options, now);
  const { route } = options;
  return await withBooks({ place: options, world, route }, async (open) => {
    if (options.json === true) await writeJson(open, filter);
    else await writeSummary(open, filter, terminal);
    await noteGonePayments(open, filter, terminal);
    return 0;
  });
}

/** Writes the totals as two tables: per day, route and asset, then per asset. */
export async function writeSummary(
  { books, assets, name, out }: OpenBooks,
  filter: BookFilter,
  terminal: Terminal,
): Promise<void> {
  const lines = await books.summarize(filter);
  if (lines.length === 0) return notice(terminal, `no such payments, settled or being settled, in ${name}`);
  const daily = new Table(['DAY (UTC)', 'ROUTE', 'NETWORK', 'SETTLED', 'AMOUNT', 'OPEN'], 'ROUTE');
  await out.lines(daily.rows(lines.map((line) => [line.day, line.route, ...totalCells(line, assets)])));
  const overall = new Table(['TOTAL', 'SETTLED', 'AMOUNT', 'OPEN'], 'TOTAL');
  await out.lines(['', ...overall.rows(addUpAssets(lines, assets).map((total) => totalCells(total, assets)))]);
}

async function writeJson({ books, assets, out }: OpenBooks, filter: BookFilter): Promise<void> {
  const described = describeTotals(await books.summarize(filter), assets);
  await out.lines([JSON.stringify(described, null, 2)]);
}

function totalCells(total: AssetTotal, assets: AssetNames): readonly string[] {
  return [
    assets.network(total.network),
    String(total.settled),
    assets.find(total) === undefined
      ? `${assets.amount(total, total.amount)} ${shortened(total.asset)}`
      : assets.amount(total, total.amount),
    String(total.open),
  ];
}
