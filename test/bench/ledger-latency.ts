import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { openMemoryLedger } from '../../src/store/memory/memory-ledger.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { openSqliteLedger } from '../../src/store/sqlite/sqlite-ledger.ts';
import { payThrough } from './ledger-payment.ts';

/*
 * What the durable ledger adds to the latency of a paid request at a steady rate: a claim and two durable steps, begun
 * 500 times a second whether the ones before are done or not, on SQLite and on memory in turn. Run it with
 * `node test/bench/ledger-latency.ts [rounds] [payments per second]`.
 */

const ROUNDS = Number(process.argv[2] ?? 5);
const RATE = Number(process.argv[3] ?? 500);
const SECONDS = 4;

interface Latencies {
  readonly median: number;
  readonly p99: number;
}

/** Begins payments by the clock: a slow ledger does not slow the load down. */
async function measure(store: PaymentStore, round: number): Promise<Latencies> {
  const latencies: number[] = [];
  const running: Promise<void>[] = [];
  const startedAt = performance.now();
  for (let index = 0; index < RATE * SECONDS; index += 1) {
    const due = startedAt + (index * 1000) / RATE;
    // The loop stays awake, as that of a gateway at this rate does: else its own waking up is what is measured.
    while (performance.now() < due) await setImmediate();
    const begunAt = performance.now();
    running.push(payThrough(store, `${round}-${index}`).then(() => void latencies.push(performance.now() - begunAt)));
  }
  await Promise.all(running);
  latencies.sort((a, b) => a - b);
  const at = (part: number): number => latencies[Math.floor(latencies.length * part)] ?? Number.NaN;
  return { median: at(0.5), p99: at(0.99) };
}

const folder = await mkdtemp(join(tmpdir(), 'turnpike-bench-'));
const stores = {
  memory: openMemoryLedger(),
  sqlite: await openSqliteLedger(join(folder, 'ledger.db')),
};
const medians: number[] = [];
try {
  await measure(stores.sqlite, -1);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, store] of Object.entries(stores)) {
      const { median, p99 } = await measure(store, round);
      if (name === 'sqlite') medians.push(median);
      process.stdout.write(
        `round ${round}  ${name.padEnd(7)} median ${median.toFixed(3)} ms, p99 ${p99.toFixed(3)} ms\n`,
      );
    }
  }
} finally {
  await Promise.all(Object.values(stores).map((store) => store.close()));
  await rm(folder, { recursive: true, force: true });
}
medians.sort((a, b) => a - b);
const [least, middle, most] = [medians[0], medians[Math.floor(medians.length / 2)], medians.at(-1)];
process.stdout.write(
  `claim and two durable steps on SQLite at ${RATE}/s: median ${middle?.toFixed(3)} ms (${least?.toFixed(3)} to ${most?.toFixed(3)}) over ${ROUNDS} rounds\n`,
);
