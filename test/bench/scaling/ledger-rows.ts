import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { openSqliteLedger } from '../../../src/store/sqlite/sqlite-ledger.ts';
import { payThrough } from '../ledger-payment.ts';
import type { Workbench } from '../workbench.ts';
import type { Dimension, Fact } from './dimension.ts';
import { fillLedger } from './fill-ledger.ts';

/** Payments to sign for each second of load. */
const PAYMENTS_PER_SECOND = 4000;
/** Payments at once where the ledger is measured by itself, as many as a busy gateway has. */
const AT_ONCE = 32;
/** How long the ledger is measured by itself, in milliseconds. */
const CLAIMS_MS = 2000;
const MB = 1024 * 1024;

/** More and more payments in the ledger. */
export const ledgerRows: Dimension = {
  title: 'payments in a SQLite ledger',
  load: 'a paid call, settle: after',
  sizes: [0, 10_000, 100_000, 1_000_000, 10_000_000],
  async open(bench, size) {
    const file = await bench.config({ routes: '  - { path: /paid, price: $0.001 }\n', store: 'sqlite' });
    const path = join(dirname(file), 'ledger.db');
    await fillLedger(path, size, 'delivered');
    const megabytes = (await stat(path)).size / MB;
    const claims = await claimsPerSecond(path);
    const reports = await reportTimes(bench, file);
    const command = await bench.commandOn(file);
    const facts = [
      { name: 'file', unit: 'MB', value: megabytes },
      { name: 'ledger alone', unit: 'payments/s', value: claims },
      { name: 'start', unit: 'ms', value: command.readyAfterMs },
      ...reports,
    ];
    const side = bench.paidSide(`${size} payments`, `${command.url}/paid`, async () => undefined, PAYMENTS_PER_SECOND);
    return { side, pid: command.pid, facts };
  },
};

/** Claims with the two steps that follow, taken through the ledger without a gateway. */
async function claimsPerSecond(path: string): Promise<number> {
  const store = await openSqliteLedger(path);
  const startedAt = performance.now();
  let done = 0;
  const buyer = async (name: number): Promise<void> => {
    for (let turn = 0; performance.now() - startedAt < CLAIMS_MS; turn += 1) {
      await payThrough(store, `${name}-${turn}-${startedAt}`);
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, (_, name) => buyer(name)));
  const seconds = (performance.now() - startedAt) / 1000;
  await store.close();
  return done / seconds;
}

async function reportTimes(bench: Workbench, file: string): Promise<readonly Fact[]> {
  const script = await bench.script();
  const time = async (name: string, ...words: readonly string[]): Promise<Fact> => {
    const startedAt = performance.now();
    const child = spawn(process.execPath, [script, 'ledger', ...words, '-c', file], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const [code] = await once(child, 'exit');
    if (code !== 0) throw new Error(`turnpike ledger ${words.join(' ')} ended with ${code}`);
    return { name, unit: 'ms', value: performance.now() - startedAt };
  };
  return [
    await time('list of an hour', 'list', '--since', '1h'),
    await time('list of what is in doubt', 'list', '--state', 'unknown'),
    await time('summary of a day', 'export', '--format', 'summary', '--since', '24h'),
    await time('summary of all', 'export', '--format', 'summary'),
  ];
}
