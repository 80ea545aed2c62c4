import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openMemoryLedger } from '../../src/store/memory/memory-ledger.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { openPostgresLedger } from '../../src/store/postgres/postgres-ledger.ts';
import { openSqliteLedger } from '../../src/store/sqlite/sqlite-ledger.ts';
import { openPostgres } from '../support/postgres.ts';
import { payThrough } from './ledger-payment.ts';

/*
 * What the ledger adds to a paid request: a claim and two steps, 32 requests at a time. Run it with
 * `node test/bench/ledger.ts`. Each store first shows that it does the work: every payment ends `delivered`.
 */

const AT_ONCE = 32;
const SECONDS = 4;

async function measure(name: string, store: PaymentStore): Promise<void> {
  const latencies: number[] = [];
  let next = 0;
  const until = performance.now() + SECONDS * 1000;
  const buyer = async (): Promise<void> => {
    while (performance.now() < until) {
      const start = performance.now();
      await payThrough(store, String(next++));
      latencies.push(performance.now() - start);
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: AT_ONCE }, buyer));
  const seconds = (performance.now() - start) / 1000;
  const [total] = await store.summarize({});
  if (total?.settled !== latencies.length) throw new Error(`${name} lost payments`);
  await store.close();
  latencies.sort((a, b) => a - b);
  const at = (part: number): string => (latencies[Math.floor(latencies.length * part)] ?? 0).toFixed(1);
  const rate = Math.round(latencies.length / seconds);
  process.stdout.write(
    `${name.padEnd(9)} ${String(rate).padStart(6)} payments/s, ${String(rate * 3).padStart(6)} writes/s, median ${at(0.5)} ms, p99 ${at(0.99)} ms\n`,
  );
}

const folder = await mkdtemp(join(tmpdir(), 'turnpike-bench-'));
const server = await openPostgres();
try {
  await measure('memory', openMemoryLedger());
  await measure('sqlite', await openSqliteLedger(join(folder, 'ledger.db')));
  await measure('postgres', await openPostgresLedger(await server.createDatabase()));
} finally {
  await server.dispose();
  await rm(folder, { recursive: true, force: true });
}
