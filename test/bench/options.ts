import { parseArgs } from 'node:util';
import { SUITES, type SuiteName } from './suites.ts';

/** How a benchmark run is carried out. */
export interface BenchOptions {
  /** How often every side of a suite is measured. */
  readonly rounds: number;
  /** How long one measurement lasts, in whole seconds. */
  readonly seconds: number;
  /** Connections that the load generator keeps busy. */
  readonly connections: number;
  readonly suites: readonly SuiteName[];
  /** Whether the gateway runs under the CPU profiler; it is slower then, and no figure is to be believed. */
  readonly profile: boolean;
  /** Leaves installed nginx and wrk alone, as on a machine that has npm only. */
  readonly npmOnly: boolean;
}

/** What `npm run bench -- --help` prints. */
export const USAGE = `usage: node test/bench/run.ts [options]
  --rounds N        measurements of every side (default 5)
  --seconds N       length of one measurement (default 3)
  --connections N   connections of the load generator (default 32)
  --only A,B        suites to run: ${Object.keys(SUITES).join(', ')} (default all)
  --profile         run the gateway under the CPU profiler and print its top costs
  --npm-only        do not use nginx and wrk, even where they are installed
`;

/** Reads the command line; `undefined` asks for {@link USAGE}. Throws for anything it does not know. */
export function parseOptions(argv: readonly string[]): BenchOptions | undefined {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '3' },
      connections: { type: 'string', default: '32' },
      only: { type: 'string' },
      profile: { type: 'boolean', default: false },
      'npm-only': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  return {
    rounds: positive('rounds', values.rounds),
    seconds: positive('seconds', values.seconds),
    connections: positive('connections', values.connections),
    suites: (values.only?.split(',') ?? Object.keys(SUITES)).map(suiteName),
    profile: values.profile,
    npmOnly: values['npm-only'],
  };
}

/** Reads the number of an option; throws where it is none from 1 to 9999. */
export function positive(name: string, text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new Error(`--${name} takes a whole number from 1 to 9999, not ${text}`);
  return Number(text);
}

function suiteName(text: string): SuiteName {
  const known = Object.keys(SUITES).find((name): name is SuiteName => name === text);
  if (known === undefined) throw new Error(`there is no suite ${text}; there are ${Object.keys(SUITES).join(', ')}`);
  return known;
}
