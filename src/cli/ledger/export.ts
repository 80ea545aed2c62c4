import { Option } from 'commander';
import { describeEntry, type LedgerEntry } from '../../admin/payment-entry.ts';
import type { BookFilter } from '../../store/books.ts';
import { type Cli, type CliWorld, example } from '../cli.ts';
import { type ExitCode, UsageError } from '../exit.ts';
import { CSV_HEADER, CSV_ROW_END, csvRow } from './csv.ts';
import { noteGonePayments } from './gone-payments.ts';
import { type OpenBooks, withBooks } from './open-books.ts';
import { readPages } from './pages.ts';
import { addSelection, readSelection, type SelectionOptions } from './selection.ts';
import { writeSummary } from './summary.ts';
import { Unreadable } from './unreadable.ts';

/** What an export can look like. */
const FORMATS = ['csv', 'json', 'summary'] as const;

interface ExportOptions extends SelectionOptions {
  readonly format?: (typeof FORMATS)[number];
}

/** Adds `turnpike ledger export`. */
export function addExport({ program, finish, ...world }: Cli, clock: () => number): void {
  addSelection(program.command('export').description('write payments for other programs, the oldest first'))
    .addOption(
      new Option('--format <format>', 'needed: RFC 4180, one JSON object per line, or totals').choices(FORMATS),
    )
    .addHelpText(
      'after',
      example(
        'turnpike ledger export --format csv --since 2026-11-01 --until 2026-12-01 > november.csv',
        'turnpike ledger export --format json --since 7d | jq -s length',
      ),
    )
    .action(async (options: ExportOptions) => finish(await exportPayments(options, world, clock())));
}

async function exportPayments(options: ExportOptions, world: CliWorld, now: number): Promise<ExitCode> {
  const { terminal } = world;
  const filter = readSelection(options, now);
  const { route, format } = options;
  if (format === undefined) throw new UsageError(`--format is missing; right is one of ${FORMATS.join(', ')}`);
  return await withBooks({ place: options, world, route }, async (open) => {
    // First, since damaged rows end an export.
    await noteGonePayments(open, filter, terminal);
    switch (format) {
      case 'csv':
        await open.out.lines([CSV_HEADER], CSV_ROW_END);
        await writePages(open, filter, csvRow, CSV_ROW_END);
        return 0;
      case 'json':
        await writePages(open, filter, (entry) => JSON.stringify(entry), '\n');
        return 0;
      case 'summary':
        await writeSummary(open, filter, terminal);
        return 0;
    }
  });
}

async function writePages(
  { books, assets, out }: OpenBooks,
  filter: BookFilter,
  line: (entry: LedgerEntry) => string,
  end: string,
): Promise<void> {
  const unreadable = new Unreadable();
  for await (const page of readPages(books, filter)) {
    unreadable.add(page.unreadable);
    await out.lines(
      page.records.map((record) => line(describeEntry(record, assets))),
      end,
    );
  }
  unreadable.failIfAny();
}
