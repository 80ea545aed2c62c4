import { parseArgs } from 'node:util';
import type { CrashOptions } from './crash.ts';
import type { Scale } from './schedule.ts';

/** What `npm run crash -- --help` prints. */
export const USAGE = `usage: node test/crash/run.ts [options]
  --seed N                   what chance decides; the same seed has the same schedule (default 1)
  --rounds N                 how often the gateway is killed (default 20)
  --store sqlite|postgres    where the ledger is (default sqlite)
  --facilitator local|remote who settles: the gateway, or the official facilitator code beside it with no node
                             configured (default local)
  --payments N               how many payments are made (default 300)
  --part all|payments|metered
                             payments of fixed prices, metered calls, streams and balances, or both, one after the
                             other (default all); the last three options but --store say nothing of the second
`;

/** The parts of the crash test to run. */
export type CrashPart = 'all' | 'payments' | 'metered';

/** Accounts that pay; few enough to reach the limits of deferred settlement. */
const PAYERS = 8;

/** Reads the command line; `undefined` asks for {@link USAGE}. Throws for anything it does not know. */
export function parseOptions(
  argv: readonly string[],
): (Scale & Pick<CrashOptions, 'store' | 'facilitator'> & { readonly part: CrashPart }) | undefined {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      seed: { type: 'string', default: '1' },
      rounds: { type: 'string', default: '20' },
      store: { type: 'string', default: 'sqlite' },
      facilitator: { type: 'string', default: 'local' },
      payments: { type: 'string', default: '300' },
      part: { type: 'string', default: 'all' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const { store, facilitator, part } = values;
  if (store !== 'sqlite' && store !== 'postgres') throw new Error(`--store is sqlite or postgres, not ${store}`);
  if (facilitator !== 'local' && facilitator !== 'remote') {
    throw new Error(`--facilitator is local or remote, not ${facilitator}`);
  }
  if (part !== 'all' && part !== 'payments' && part !== 'metered') {
    throw new Error(`--part is all, payments or metered, not ${part}`);
  }
  return {
    part,
    seed: whole('seed', values.seed),
    kills: whole('rounds', values.rounds),
    payments: whole('payments', values.payments),
    payers: PAYERS,
    store,
    facilitator,
  };
}

function whole(name: string, text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new Error(`--${name} takes a whole number from 1 on, not ${text}`);
  return Number(text);
}
