import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import { openMemoryLedger } from '../../../src/store/memory/memory-ledger.ts';
import type { PaymentStore } from '../../../src/store/payment-store.ts';
import type { StoreKind } from '../../../src/store/store-kind.ts';

/*
 * A made-up kind of store: a journal of every call, written before the call is made, and made again at the next opening
 * on a ledger in memory.
 */

const PREFIX = 'journal:';

export const journalKind: StoreKind = {
  name: 'journal',
  example: 'journal:./ledger.journal',
  pattern: `${PREFIX}.+`,
  lasting: true,
  isMeant: (given) => given.startsWith(PREFIX),
  parse(given) {
    const path = given.slice(PREFIX.length);
    return path === ''
      ? { ok: false, wrong: 'the path of the journal is missing', right: 'journal:./ledger.journal' }
      : { ok: true, value: path };
  },
  describe: (path) => `the journal ${path}`,
  async open(path) {
    return recorded(await replay(path), openSync(path, 'a'));
  },
  reading: {
    whyMissing: (path) => (existsSync(path) ? undefined : `there is no journal ${path}`),
    open: async (path) => (await replay(path)).ledger,
  },
};

/** One call of the journal. */
interface Call {
  readonly at: number;
  /** The path to the part of the store, `''` for the store itself. */
  readonly part: string;
  readonly method: string;
  readonly args: readonly unknown[];
}

/** A ledger whose clock stands at the time of a call while it is made, the first time and again. */
interface Replayed {
  readonly ledger: PaymentStore;
  /** Makes a call at a time of its own. */
  call(target: object, method: string | symbol, call: Pick<Call, 'at' | 'args'>): unknown;
}

async function replay(path: string): Promise<Replayed> {
  let now: number | undefined;
  const ledger = openMemoryLedger(() => now ?? Date.now());
  const call: Replayed['call'] = (target, method, { at, args }) => {
    now = at;
    try {
      return Reflect.apply(Reflect.get(target, method), target, args.map(given));
    } finally {
      now = undefined;
    }
  };
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : [];
  for (const line of lines.filter((text) => text !== '')) {
    const { part, method, ...rest }: Call = deserialize(Buffer.from(line, 'base64'));
    // What was refused then is refused again.
    await Promise.resolve(call(partOf(ledger, part), method, rest)).catch(() => {});
  }
  return { ledger, call };
}

/** A part of the store by its path, such as `/passes/balances`; the store itself where that is empty. */
function partOf(ledger: object, path: string): object {
  return path
    .split('/')
    .slice(1)
    .reduce<object>((of, name) => Reflect.get(of, name), ledger);
}

/** What stood for a function in the journal is a function again. */
function given(arg: unknown): unknown {
  return typeof arg === 'object' && arg !== null && 'made' in arg ? () => arg.made : arg;
}

function recorded({ ledger, call }: Replayed, file: number): PaymentStore {
  const record = (entry: Call): void => {
    writeSync(file, `${serialize(entry).toString('base64')}\n`);
    fsyncSync(file);
  };
  const watch = <T extends object>(target: T, part: string): T =>
    new Proxy(target, {
      get(of, name) {
        const member = Reflect.get(of, name);
        if (typeof member === 'object' && member !== null) return watch(member, `${part}/${String(name)}`);
        if (typeof member !== 'function' || name === 'then') return member;
        if (name === 'close') {
          return async () => {
            await ledger.close();
            closeSync(file);
          };
        }
        return (...args: readonly unknown[]) => {
          const stated = args.map((arg) => (typeof arg === 'function' ? { made: arg() } : arg));
          const at = Date.now();
          record({ at, part, method: String(name), args: stated });
          return call(of, name, { at, args: stated });
        };
      },
    });
  return watch(ledger, '');
}
