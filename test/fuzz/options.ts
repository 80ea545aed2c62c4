import { parseArgs } from 'node:util';

/** What `npm run fuzz -- --help` prints. */
export const USAGE = `usage: node test/fuzz/run.ts [options]
  --minutes N                how long (default 1)
  --seed N                   what chance decides; the same seed makes the same cases (default: the time)
  --store sqlite|memory      where the ledger is (default sqlite)
`;

/** Reads the command line; `undefined` asks for {@link USAGE}. Throws for anything it does not know. */
export function parseOptions(
  argv: readonly string[],
  now: number,
): { readonly minutes: number; readonly seed: number; readonly store: 'sqlite' | 'memory' } | undefined {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      minutes: { type: 'string', default: '1' },
      seed: { type: 'string', default: String(now % 1_000_000) },
      store: { type: 'string', default: 'sqlite' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const { store } = values;
  if (store !== 'sqlite' && store !== 'memory') throw new Error(`--store is sqlite or memory, not ${store}`);
  const minutes = Number(values.minutes);
  const seed = Number(values.seed);
  if (!(minutes > 0 && minutes <= 24 * 60)) throw new Error(`--minutes takes a number, not ${values.minutes}`);
  if (!Number.isSafeInteger(seed) || seed < 0) throw new Error(`--seed takes a whole number, not ${values.seed}`);
  return { minutes, seed, store };
}
