import { type Command, InvalidArgumentError } from 'commander';
import type { PaymentState } from '../../domain/payment-state.ts';
import { isState, STATES } from '../../domain/payment-state.ts';
import type { BookFilter } from '../../store/books.ts';
import { collect } from '../cli.ts';
import { UsageError } from '../exit.ts';
import { parseMoment } from './moment.ts';
import { addPlace, type BooksPlace } from './open-books.ts';

/** Options of the commands that read more than one payment. */
export interface SelectionOptions extends BooksPlace {
  readonly since?: string;
  readonly until?: string;
  readonly route?: string;
  readonly state?: readonly string[];
  readonly payer?: string;
  readonly unresolved?: true;
}

/** Adds the options that say which payments are meant. */
export function addSelection(command: Command): Command {
  const described = command
    .option('--since <moment>', 'claimed at or after: a date, a time or a duration such as 24h or 7d')
    .option('--until <moment>', 'claimed before, likewise')
    .option('--route <name>', 'only of this route')
    .option('--state <states>', 'only in these states, separated by commas or given several times', collect)
    .option('--payer <account>', 'only of this account')
    .option('--unresolved', 'only what nobody has ticked off with turnpike ledger resolve');
  return addPlace(described);
}

/**
 * Reads which payments are meant.
 *
 * @param now Unix milliseconds
 * @throws UsageError
 */
export function readSelection(options: SelectionOptions, now: number): BookFilter {
  const { since, until, route, state, payer, unresolved } = options;
  const from = since === undefined ? undefined : parseMoment('--since', since, now);
  const to = until === undefined ? undefined : parseMoment('--until', until, now);
  if (from !== undefined && to !== undefined && from >= to) {
    throw new UsageError('--since is not before --until, so that nothing lies between them');
  }
  return {
    ...(from === undefined ? {} : { since: from }),
    ...(to === undefined ? {} : { until: to }),
    ...(route === undefined ? {} : { route }),
    ...(payer === undefined ? {} : { payer: readPayer(payer) }),
    ...(unresolved === true ? { unresolved } : {}),
    ...(state === undefined ? {} : { states: readStates(state) }),
  };
}

/** Reads how many rows are wanted at most. */
export function parseLimit(text: string): number {
  const limit = /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined;
  if (limit === undefined) throw new InvalidArgumentError('A limit is a whole number from 1 on.');
  return limit;
}

/**
 * Reads `--payer`. Tables show accounts cut in the middle: what is copied from there, or a beginning, would find
 * nothing.
 *
 * @throws UsageError
 */
export function readPayer(text: string): string {
  const isCut = /…|\.\.\./.test(text) || (/^0x/i.test(text) && !/^0x(?:[0-9a-f]{40}|[0-9a-f]{64})$/i.test(text));
  if (!isCut) return text;
  throw new UsageError(`--payer: ${JSON.stringify(text)} is no whole account; right is all of it, as --json shows it`);
}

function readStates(given: readonly string[]): readonly PaymentState[] {
  const names = given.flatMap((list) => list.split(',')).map((name) => name.trim());
  return names.map((name) => {
    if (isState(name)) return name;
    throw new UsageError(`--state: ${JSON.stringify(name)} is not a state; right is any of ${STATES.join(', ')}`);
  });
}
