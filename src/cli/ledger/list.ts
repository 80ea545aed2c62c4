import type { AssetNames } from '../../admin/asset-names.ts';
import { describeEntry } from '../../admin/payment-entry.ts';
import { describeUnreadable } from '../../admin/unreadable-entry.ts';
import type { PaymentRecord } from '../../domain/payment-record.ts';
import type { UnreadableRow } from '../../store/books.ts';
import { type Cli, type CliWorld, example } from '../cli.ts';
import type { ExitCode } from '../exit.ts';
import { notice } from '../terminal.ts';
import { nonceOf } from './find-payments.ts';
import { withBooks } from './open-books.ts';
import { readPages } from './pages.ts';
import { addSelection, parseLimit, readSelection, type SelectionOptions } from './selection.ts';
import { minuteOf, shortened, Table } from './table.ts';
import { Unreadable } from './unreadable.ts';

interface ListOptions extends SelectionOptions {
  readonly json?: boolean;
  readonly limit?: number;
}

/** Adds `turnpike ledger list`. */
export function addList({ program, finish, ...world }: Cli, clock: () => number): void {
  addSelection(program.command('list').description('show payments, the newest first'))
    .option('--limit <number>', 'at most so many', parseLimit)
    .option('--json', 'write each payment whole, as a line of JSON')
    .addHelpText(
      'after',
      example(
        'turnpike ledger list --limit 20',
        'turnpike ledger list --state unknown,undelivered,delivery_unknown,defaulted --unresolved',
        'turnpike ledger list --payer 0x209693Bc6afc0C5328bA36FaF03C514EF312287C --json | jq -r .key',
      ),
    )
    .action(async (options: ListOptions) => finish(await list(options, world, clock())));
}

async function list(options: ListOptions, world: CliWorld, now: number): Promise<ExitCode> {
  const { terminal } = world;
  const filter = readSelection(options, now);
  const { route } = options;
  return await withBooks({ place: options, world, route }, async ({ books, assets, name, out }) => {
    const table = new Table(['CLAIMED (UTC)', 'ID', 'ROUTE', 'STATE', 'AMOUNT', 'PAYER'], 'ROUTE');
    const unreadable = new Unreadable();
    let any = false;
    for await (const page of readPages(books, filter, { order: 'newest first', limit: options.limit })) {
      any = true;
      unreadable.add(page.unreadable);
      const lines =
        options.json === true
          ? [
              ...page.records.map((record) => describeEntry(record, assets)),
              ...page.unreadable.map(describeUnreadable),
            ].map((entry) => JSON.stringify(entry))
          : table.rows([...page.records.map((record) => cells(record, assets)), ...page.unreadable.map(damagedCells)]);
      await out.lines(lines);
    }
    if (!any) notice(terminal, `no such payments in ${name}`);
    if (unreadable.notice !== undefined) notice(terminal, unreadable.notice);
    return 0;
  });
}

/** The cells of a row. Its id is the beginning of what the payer signed; `show` takes it and shows more. */
function cells(record: PaymentRecord, assets: AssetNames): readonly string[] {
  const { settlement, resolution, key } = record;
  return [
    minuteOf(record.claimedAt),
    (nonceOf(key) ?? key).slice(0, 10),
    record.route,
    resolution === undefined ? record.state : `${record.state}*`,
    assets.amount(record, settlement?.amount ?? record.amount),
    shortened(record.payer),
  ];
}

function damagedCells({ key, claimedAt }: UnreadableRow): readonly string[] {
  const id = (nonceOf(key) ?? key).slice(0, 10);
  return [claimedAt === undefined ? '' : minuteOf(claimedAt), id, '', 'unreadable', '', ''];
}
