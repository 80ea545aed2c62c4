import type { PaymentRecord } from '../../domain/payment-record.ts';
import { type Cli, example } from '../cli.ts';
import type { ExitCode } from '../exit.ts';
import { notice, type Terminal } from '../terminal.ts';
import type { AssetNames } from './asset-names.ts';
import { describeEntry } from './entry.ts';
import { withBooks } from './open-books.ts';
import { readPages } from './pages.ts';
import { addSelection, readSelection, type SelectionOptions } from './selection.ts';
import { Table } from './table.ts';

interface ListOptions extends SelectionOptions {
  readonly json?: boolean;
}

/** Adds `turnpike ledger list`. */
export function addList({ program, terminal, finish }: Cli, clock: () => number): void {
  addSelection(program.command('list').description('show payments, the oldest first'))
    .option('--json', 'write each payment as a line of JSON')
    .addHelpText(
      'after',
      example('turnpike ledger list --since 24h', 'turnpike ledger list --state unknown --json | jq -r .key'),
    )
    .action(async (options: ListOptions) => finish(await list(options, terminal, clock())));
}

async function list(options: ListOptions, terminal: Terminal, now: number): Promise<ExitCode> {
  const filter = readSelection(options, now);
  const { config, route } = options;
  return await withBooks({ config, terminal, route }, async ({ books, assets, name, out }) => {
    const table = new Table(['TIME', 'ROUTE', 'STATE', 'AMOUNT', 'NETWORK', 'PAYER', 'TRANSACTION']);
    let any = false;
    for await (const page of readPages(books, filter)) {
      any = true;
      const lines =
        options.json === true
          ? page.map((record) => JSON.stringify(describeEntry(record, assets)))
          : table.rows(page.map((record) => cells(record, assets)));
      await out.lines(lines);
    }
    if (!any) notice(terminal, `no such payments in ${name}`);
    return 0;
  });
}

function cells(record: PaymentRecord, assets: AssetNames): readonly string[] {
  const { settlement, attempt } = record;
  return [
    `${new Date(record.claimedAt).toISOString().slice(0, 19)}Z`,
    record.route,
    record.state,
    assets.amount(record, settlement?.amount ?? record.amount),
    assets.network(record.network),
    record.payer,
    // A transaction that nobody has proved is marked, so that it is not taken for a receipt.
    settlement?.transaction ?? (attempt === undefined ? '' : `${attempt.transaction}?`),
  ];
}
