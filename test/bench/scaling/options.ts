import { parseArgs } from 'node:util';
import { positive } from '../options.ts';
import type { Dimension } from './dimension.ts';

/** How a run is carried out. */
export interface ScalingOptions {
  readonly rounds: number;
  readonly seconds: number;
  /** The dimensions, with the sizes that are not too large. */
  readonly dimensions: readonly Dimension[];
  readonly npmOnly: boolean;
}

/** The largest size without `--most`: ten million payments take 10 GB of disk and many minutes. */
const MOST = '1000000';

/** What `--help` prints. */
export function scalingUsage(known: Readonly<Record<string, Dimension>>): string {
  return `usage: node test/bench/scaling.ts [options]
  --rounds N    measurements of every size (default 3)
  --seconds N   length of one measurement (default 3)
  --only A,B    dimensions: ${Object.keys(known).join(', ')} (default all)
  --most N      the largest size (default ${MOST})
  --npm-only    do not use nginx and wrk, even where they are installed
`;
}

/** Reads the command line; `undefined` asks for the usage. Throws for anything it does not know. */
export function parseScalingOptions(
  argv: readonly string[],
  known: Readonly<Record<string, Dimension>>,
): ScalingOptions | undefined {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '3' },
      only: { type: 'string' },
      most: { type: 'string', default: MOST },
      'npm-only': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  if (!/^[1-9]\d{0,8}$/.test(values.most)) throw new Error(`--most takes a whole number, not ${values.most}`);
  const most = Number(values.most);
  const dimensions = (values.only?.split(',') ?? Object.keys(known)).map((name) => {
    const dimension = known[name];
    if (dimension === undefined) throw new Error(`there is no ${name}; there are ${Object.keys(known).join(', ')}`);
    return { ...dimension, sizes: dimension.sizes.filter((size) => size <= most) };
  });
  return {
    rounds: positive('rounds', values.rounds),
    seconds: positive('seconds', values.seconds),
    dimensions,
    npmOnly: values['npm-only'],
  };
}
