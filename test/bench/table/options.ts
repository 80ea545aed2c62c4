import { parseArgs } from 'node:util';
import { optional, type Peer, PID_MAX, PORT_MAX, positive } from '../options.ts';
import type { Row } from './row.ts';

/** How the table is measured. */
export interface TableOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly mixedSeconds: number;
  readonly connections: number;
  readonly rows: readonly Row[];
  readonly peer: Peer | undefined;
  readonly worldPort: number | undefined;
  readonly npmOnly: boolean;
}

/** What `--help` prints. */
export function tableUsage(known: readonly Row[]): string {
  return `usage: node test/bench/table.ts [options]
  --rounds N        measurements of every figure (default 3)
  --seconds N       length of one measurement of a side (default 2)
  --mixed N         seconds of mixed traffic before each path is held against a fresh gateway (default 600)
  --connections N   connections of the load generator (default 32)
  --only A,B        rows: ${known.map(({ name }) => name).join(', ')} (default all)
  --peer URL        a gateway of another make, in front of the upstream and facilitator of --world-port: /free is free,
                    /paid costs $0.001, and /timed that for a day
  --peer-pid N      its process, whose processor time is counted
  --world-port N    where the upstream listens, and the facilitator one above it
  --npm-only        do not use nginx and wrk, even where they are installed
`;
}

/** Reads the command line; `undefined` asks for the usage. Throws for anything it does not know. */
export function parseTableOptions(argv: readonly string[], known: readonly Row[]): TableOptions | undefined {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '2' },
      mixed: { type: 'string', default: '600' },
      connections: { type: 'string', default: '32' },
      only: { type: 'string' },
      peer: { type: 'string' },
      'peer-pid': { type: 'string' },
      'world-port': { type: 'string' },
      'npm-only': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const { peer, only } = values;
  return {
    rounds: positive('rounds', values.rounds),
    seconds: positive('seconds', values.seconds),
    mixedSeconds: positive('mixed', values.mixed),
    connections: positive('connections', values.connections),
    rows: only?.split(',').map((name) => rowNamed(name, known)) ?? known,
    peer: peer === undefined ? undefined : { url: peer, pid: optional('peer-pid', values['peer-pid'], PID_MAX) },
    worldPort: optional('world-port', values['world-port'], PORT_MAX),
    npmOnly: values['npm-only'],
  };
}

function rowNamed(text: string, known: readonly Row[]): Row {
  const row = known.find(({ name }) => name === text);
  if (row === undefined)
    throw new Error(`there is no row ${text}; there are ${known.map(({ name }) => name).join(', ')}`);
  return row;
}
