import { parseArgs } from 'node:util';
import { OTHERS, OWN, SUITES, type SuiteName } from './suites.ts';

/** Processes have numbers up to this on 64-bit Linux. */
export const PID_MAX = 2 ** 22;
/** The facilitator needs the port above. */
export const PORT_MAX = 65_534;

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
  /** The command of an earlier build, `bin/turnpike.js`, as a partner of the suites of {@link OTHERS}. */
  readonly before: string | undefined;
  /** Another gateway that is already there, as a partner of the same suites. */
  readonly peer: Peer | undefined;
  /** Where the upstream and, one above it, the facilitator listen; free ports when it is not given. */
  readonly worldPort: number | undefined;
}

/** A gateway that somebody started by hand, in front of the upstream and the facilitator of `--world-port`. */
export interface Peer {
  /** Its origin; it is asked for `/free` and, for $0.001, `/paid`. */
  readonly url: string;
  /** Its process, where its processor time is to be counted too. */
  readonly pid: number | undefined;
}

/** What `npm run bench -- --help` prints. */
export const USAGE = `usage: node test/bench/run.ts [options]
  --rounds N        measurements of every side (default 5)
  --seconds N       length of one measurement (default 3)
  --connections N   connections of the load generator (default 32)
  --only A,B        suites to run: ${Object.keys(SUITES).join(', ')}
                    (default all of them but ${OTHERS.join(', ')}, which are the default with --before or --peer)
  --before FILE     bin/turnpike.js of an earlier build, to be measured beside this one
  --peer URL        a gateway of another make, in front of the upstream and facilitator of --world-port, which sells /paid for $0.001
  --peer-pid N      its process, whose processor time is counted
  --world-port N    where the upstream listens, and the facilitator one above it
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
      before: { type: 'string' },
      peer: { type: 'string' },
      'peer-pid': { type: 'string' },
      'world-port': { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const { before, peer } = values;
  const usual = before === undefined && peer === undefined ? OWN : OTHERS;
  return {
    rounds: positive('rounds', values.rounds),
    seconds: positive('seconds', values.seconds),
    connections: positive('connections', values.connections),
    suites: values.only?.split(',').map(suiteName) ?? usual,
    profile: values.profile,
    npmOnly: values['npm-only'],
    before,
    peer: peer === undefined ? undefined : { url: peer, pid: optional('peer-pid', values['peer-pid'], PID_MAX) },
    worldPort: optional('world-port', values['world-port'], PORT_MAX),
  };
}

/** Reads the number of an option; throws where it is none from 1 to 9999. */
export function positive(name: string, text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new Error(`--${name} takes a whole number from 1 to 9999, not ${text}`);
  return Number(text);
}

/** The same for a number that need not be given. Throws where it is none from 1 to `most`. */
export function optional(name: string, text: string | undefined, most: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new Error(`--${name} takes a whole number from 1 to ${most}, not ${text}`);
}

function suiteName(text: string): SuiteName {
  const known = Object.keys(SUITES).find((name): name is SuiteName => name === text);
  if (known === undefined) throw new Error(`there is no suite ${text}; there are ${Object.keys(SUITES).join(', ')}`);
  return known;
}
