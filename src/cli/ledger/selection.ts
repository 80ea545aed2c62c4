import type { Command } from 'commander';
import type { PaymentState } from '../../domain/payment-state.ts';
import { isState, STATES } from '../../domain/payment-state.ts';
import type { BookFilter } from '../../store/books.ts';
import { collect } from '../cli.ts';
import { UsageError } from '../exit.ts';
import { type ConfigOptions, DEFAULT_FILE } from '../read-plan.ts';
import { parseMoment } from './moment.ts';

/** Options of the commands that read more than one payment. */
export interface SelectionOptions extends ConfigOptions {
  readonly since?: string;
  readonly until?: string;
  readonly route?: string;
  readonly state?: readonly string[];
}

/** Adds the options that say which payments are meant. */
export function addSelection(command: Command): Command {
  return command
    .option('--since <moment>', 'claimed at or after: a date, a time or a duration such as 24h or 7d')
    .option('--until <moment>', 'claimed before, likewise')
    .option('--route <name>', 'only of this route')
    .option('--state <states>', 'only in these states, separated by commas or given several times', collect)
    .option('-c, --config <file>', 'configuration file', DEFAULT_FILE);
}

/**
 * Reads which payments are meant.
 *
 * @param now Unix milliseconds
 * @throws UsageError
 */
export function readSelection({ since, until, route, state }: SelectionOptions, now: number): BookFilter {
  const from = since === undefined ? undefined : parseMoment('--since', since, now);
  const to = until === undefined ? undefined : parseMoment('--until', until, now);
  if (from !== undefined && to !== undefined && from >= to) {
    throw new UsageError('--since is not before --until, so that nothing lies between them');
  }
  return {
    ...(from === undefined ? {} : { since: from }),
    ...(to === undefined ? {} : { until: to }),
    ...(route === undefined ? {} : { route }),
    ...(state === undefined ? {} : { states: readStates(state) }),
  };
}

function readStates(given: readonly string[]): readonly PaymentState[] {
  const names = given.flatMap((list) => list.split(',')).map((name) => name.trim());
  return names.map((name) => {
    if (isState(name)) return name;
    throw new UsageError(`--state: ${JSON.stringify(name)} is not a state; right is any of ${STATES.join(', ')}`);
  });
}
