import { STATE_MEANINGS } from '../../admin/state-meanings.ts';
import { type PaymentState, RESOLVABLE } from '../../domain/payment-state.ts';
import { type Cli, type CliWorld, example } from '../cli.ts';
import { CommandFailure, type ExitCode, UsageError } from '../exit.ts';
import { print, printable } from '../terminal.ts';
import { findPayments } from './find-payments.ts';
import { parseMoment } from './moment.ts';
import { addPlace, type BooksPlace, openToChange, readPlace, unlessUnreadable } from './open-books.ts';
import { DEFAULT_SINCE, expectFound } from './show.ts';

/** Longest note, in characters. */
const MOST_CHARACTERS = 1_000;

interface ResolveOptions extends BooksPlace {
  readonly note: string;
  readonly since: string;
}

/** Adds `turnpike ledger resolve`. */
export function addResolve({ program, finish, ...world }: Cli, clock: () => number): void {
  addPlace(
    program.command('resolve').description('note that somebody has taken care of a payment; nothing else changes'),
  )
    .argument('<id>', 'payment key, request id, transaction hash or nonce, or the beginning of one')
    .requiredOption('--note <text>', 'what was done about it')
    .option('--since <moment>', 'how far back to look for anything but a whole key', DEFAULT_SINCE)
    .addHelpText('after', example("turnpike ledger resolve 0xf3746613 --note 'refunded by hand, ticket 4711'"))
    .action(async (id: string, options: ResolveOptions) => finish(await resolve(id, options, world, clock())));
}

async function resolve(id: string, options: ResolveOptions, world: CliWorld, now: number): Promise<ExitCode> {
  const { terminal, registry } = world;
  const note = readNote(options.note);
  const since = parseMoment('--since', options.since, now);
  const { store: spec } = await readPlace(options, world);
  const store = await openToChange(spec, registry);
  try {
    return await unlessUnreadable<ExitCode>(async () => {
      const { records } = expectFound(await findPayments(store, id, { since }), id, since);
      const [record, ...others] = records;
      if (record === undefined || others.length > 0) throw severalPayments(id, records.length);
      const noted = await store.resolve(record.key, { at: now, note });
      if (noted === undefined) throw nothingToResolve(record.state);
      print(terminal, `resolved ${printable(noted.key)} (${noted.state}): ${printable(note)}`);
      return 0;
    });
  } finally {
    await store.close();
  }
}

function readNote(text: string): string {
  const note = text.trim();
  if (note === '') throw new UsageError('--note is empty; right is what was done about the payment, in a few words');
  if (note.length > MOST_CHARACTERS) {
    throw new UsageError(`--note has ${note.length} characters; right is at most ${MOST_CHARACTERS}`);
  }
  return note;
}

function severalPayments(id: string, count: number): UsageError {
  return new UsageError(
    `${printable(id)} stands for ${count} payments; give the key of one of them, as turnpike ledger show prints it`,
  );
}

function nothingToResolve(state: PaymentState): CommandFailure {
  return new CommandFailure(
    `this payment needs no action\n  its state: ${state}. ${STATE_MEANINGS[state]}\nwhat can be ticked off is ${RESOLVABLE.join(', ')}`,
  );
}
