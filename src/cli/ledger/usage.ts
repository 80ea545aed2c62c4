import type { AssetNames } from '../../admin/asset-names.ts';
import { formatDecimal } from '../../domain/decimal.ts';
import type { DrawBooks, DrawPage, DrawPlace } from '../../store/balances.ts';
import type { BookFilter } from '../../store/books.ts';
import { type Cli, type CliWorld, example } from '../cli.ts';
import type { ExitCode } from '../exit.ts';
import { notice } from '../terminal.ts';
import { noteGonePayments } from './gone-payments.ts';
import { type OpenBooks, withBooks } from './open-books.ts';
import { pagesOf, readPages } from './pages.ts';
import { addSelection, readSelection, type SelectionOptions } from './selection.ts';
import { shortened, Table } from './table.ts';
import { Unreadable } from './unreadable.ts';
import { type UsageTotal, UsageTotals } from './usage-totals.ts';

interface UsageOptions extends SelectionOptions {
  readonly json?: boolean;
}

/** Against counting it twice. */
const PAID_BEFORE =
  'note: what stands under OF BALANCES was paid when the balances were bought; turnpike ledger summary has it there';

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
    if (options.json !== true && totals.some(({ drawnCalls }) => drawnCalls > 0)) notice(world.terminal, PAID_BEFORE);
    await noteGonePayments(open, filter, world.terminal);
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
  await addDraws(books.passes.balances, filter, totals, unreadable);
  for await (const page of readPages(books, { ...filter, metered: true })) {
    unreadable.add(page.unreadable);
    for (const record of page.records) totals.add(record);
  }
  return totals.sorted();
}

/** Adds the calls that balances paid. They are in no state of a payment, and need no action. */
async function addDraws(
  balances: DrawBooks,
  { states, unresolved, ...filter }: BookFilter,
  totals: UsageTotals,
  unreadable: Unreadable,
): Promise<void> {
  if (states !== undefined || unresolved === true) return;
  const read = (after: DrawPlace | undefined, rows: number): Promise<DrawPage> =>
    balances.pageDraws(filter, after, rows);
  for await (const page of pagesOf(read)) {
    unreadable.add(page.unreadable);
    for (const draw of page.draws) totals.addDraw(draw);
  }
}

/** A line for each dimension; the first line has the other columns. */
function tableOf(totals: readonly UsageTotal[], assets: AssetNames): readonly string[] {
  const showsDrawn = totals.some(({ drawnCalls }) => drawnCalls > 0);
  const names = ['DAY (UTC)', 'MODEL', 'CALLS', 'USED', '', 'CHARGED', ...(showsDrawn ? ['OF BALANCES'] : [])];
  return new Table(names, 'MODEL')
    .rows(totals.flatMap((total) => cellsOf(total, assets).map((row) => row.slice(0, names.length))))
    .map(blank);
}

function cellsOf(total: UsageTotal, assets: AssetNames): readonly (readonly string[])[] {
  const used: (readonly [count: string, what: string])[] = [...total.figures].map(([dimension, count]) => [
    formatDecimal(count),
    dimension,
  ]);
  if (total.missing > 0) used.push([String(total.missing), 'without usage']);
  const [[count, dimension] = ['', '']] = used;
  const asset = assets.find(total) === undefined ? ` ${shortened(total.asset)}` : '';
  const [charged, drawn] = [total.charged, total.drawn].map((sum) => `${assets.amount(total, sum)}${asset}`);
  const first = [total.day, total.model ?? '', String(total.calls), count, dimension, charged ?? '', drawn ?? ''];
  return [first, ...used.slice(1).map(([sum, name]) => [SAME, SAME, SAME, sum, name, SAME, SAME])];
}

/** A blank cell that repeats the one above: an empty cell would be shown as `-`. */
const SAME = '\u2009';

function blank(line: string): string {
  return line.replaceAll(SAME, ' ').trimEnd();
}

function describe(total: UsageTotal, assets: AssetNames) {
  const { day, model, network, asset, calls, missing, charged, settled, drawnCalls, drawn, figures } = total;
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
    ofBalances: {
      calls: drawnCalls,
      charged: assets.units(total, drawn) ?? null,
      chargedAtomic: drawn.toString(10),
    },
  };
}
