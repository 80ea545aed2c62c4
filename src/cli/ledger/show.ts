import type { AssetNames } from '../../admin/asset-names.ts';
import { askedOf, describeEntry, type LedgerEntry } from '../../admin/payment-entry.ts';
import { STATE_MEANINGS } from '../../admin/state-meanings.ts';
import type { PaymentRecord } from '../../domain/payment-record.ts';
import { type Cli, type CliWorld, example } from '../cli.ts';
import { CommandFailure, type ExitCode, UsageError } from '../exit.ts';
import { notice, printable } from '../terminal.ts';
import { type Found, findPayments, MOST_FOUND } from './find-payments.ts';
import { parseMoment } from './moment.ts';
import { addPlace, type BooksPlace, withBooks } from './open-books.ts';
import { minuteOf } from './table.ts';

/** How far back everything but a whole key is looked for, unless `--since` says otherwise. */
export const DEFAULT_SINCE = '30d';

interface ShowOptions extends BooksPlace {
  readonly since: string;
  readonly json?: boolean;
}

/** Adds `turnpike ledger show`. */
export function addShow({ program, finish, ...world }: Cli, clock: () => number): void {
  addPlace(program.command('show').description('show all that is known of a payment'))
    .argument('<id>', 'payment key, request id, transaction hash or nonce, or the beginning of one')
    .option('--since <moment>', 'how far back to look for anything but a whole key', DEFAULT_SINCE)
    .option('--json', 'write each payment as a line of JSON')
    .addHelpText(
      'after',
      example('turnpike ledger show 0x6d0c…', "turnpike ledger show 'eip155:8453|0x8335…|0x2096…|0xf374…' --json"),
    )
    .action(async (id: string, options: ShowOptions) => finish(await show(id, options, world, clock())));
}

async function show(id: string, options: ShowOptions, world: CliWorld, now: number): Promise<ExitCode> {
  const { terminal } = world;
  if (id === '')
    throw new UsageError('an empty id is the beginning of every key; right is a key, a request id, a hash or a nonce');
  const since = parseMoment('--since', options.since, now);
  const { json } = options;
  return await withBooks({ place: options, world }, async ({ books, assets, out }) => {
    const { records, more } = expectFound(await findPayments(books, id, { since }), id, since);
    for (const [index, record] of records.entries()) {
      const entry = describeEntry(record, assets);
      if (json === true) await out.lines([JSON.stringify(entry)]);
      else await out.lines([...(index === 0 ? [] : ['']), ...factsOf(record, entry, assets)]);
    }
    if (more) notice(terminal, `these are the first ${MOST_FOUND}; export and filter to see all`);
    return 0;
  });
}

/**
 * What was found, unless it was nothing.
 *
 * @throws UsageError for the beginning of several
 * @throws CommandFailure for nothing
 */
export function expectFound(found: Found, id: string, since: number): Extract<Found, { kind: 'found' }> {
  switch (found.kind) {
    case 'found':
      return found;
    case 'ambiguous': {
      const keys = found.keys.map((key) => `  ${printable(key)}`).join('\n');
      throw new UsageError(`${printable(id)} is the beginning of several keys; give more of it\n${keys}`);
    }
    case 'none':
      throw new CommandFailure(
        `no payment is known by ${printable(id)}\n  looked for: payment key; nonce, request id, transaction, and their first 8 characters, of what was claimed since ${minuteOf(since)} UTC\nlook further back with --since`,
      );
  }
}

/** What a charge was made of. The model's name and the API's statements are text from outside. */
function usageFacts({ usage }: LedgerEntry): readonly (readonly [string, string | null])[] {
  if (usage === null) return [];
  const { figures, rates } = usage;
  const used = Object.entries(figures).map(([dimension, count]) => {
    const rate = rates[dimension];
    return `${count} ${dimension}${rate === undefined ? '' : ` at ${rate}`}`;
  });
  return [
    ['meter', usage.meter],
    ['model', usage.model],
    ['used', used.length === 0 ? null : `${used.join(', ')}${usage.guessed ? ' (guessed from what went out)' : ''}`],
    ['stated', usage.stated],
    ['no usage', usage.missing],
    ['answer', usage.end === 'complete' ? null : usage.end],
  ];
}

/** One fact per line, with what the state means at the end. Request ids and reasons are other people's words. */
function factsOf(record: PaymentRecord, entry: LedgerEntry, assets: AssetNames): readonly string[] {
  const { settled, attempt, network } = entry;
  const { amount } = record;
  const asked = askedOf(record);
  const facts: readonly (readonly [string, string | null])[] = [
    ['key', entry.key],
    ['state', `${entry.state}${entry.answered ? ' (the answer went out before the money)' : ''}`],
    ['reason', entry.reason],
    ['route', entry.route],
    ['request', entry.requestId],
    ['identifier', entry.identifier],
    ['claimed', entry.claimedAt],
    ['changed', entry.changedAt],
    ['valid until', entry.expiresAt],
    ['price', `${assets.amount(record, amount)}${entry.symbol === null ? '' : ` (${amount} atomic units)`}`],
    ['asked for', asked === undefined ? null : assets.amount(record, asked)],
    ...usageFacts(entry),
    ['asset', entry.asset],
    ['network', assets.network(network) === network ? network : `${assets.network(network)} (${network})`],
    ['payer', entry.payer],
    ['pay to', entry.payTo],
    ['scheme', entry.scheme],
    ['protocol', entry.protocol],
    ['facilitator', entry.facilitator],
    ['settled', record.settlement === undefined ? null : assets.amount(record, record.settlement.amount)],
    ['  at', settled?.at ?? null],
    ['  tx', settled?.transaction ?? null],
    ['attempt', settled === null ? attempt : null],
    ['resolved', entry.resolved === null ? null : `${entry.resolved.at}: ${entry.resolved.note}`],
    ['looked into', entry.checks === 0 ? null : entry.checks === 1 ? 'once' : `${entry.checks} times`],
    ['next look', entry.checkAt],
    ['means', STATE_MEANINGS[record.state]],
  ];
  return facts.flatMap(([name, value]) =>
    value === null || value === '' ? [] : [`${name.padEnd(13)}${printable(value)}`],
  );
}
