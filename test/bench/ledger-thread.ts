import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { openSqliteLedger } from '../../src/store/sqlite/sqlite-ledger.ts';
import { payAfterAnswer } from './ledger-payment.ts';
import { processorMicrosOf } from './processor-time.ts';
import { fillLedger } from './scaling/fill-ledger.ts';
import { spreadOf } from './spread.ts';

/*
 * Processor time of the ledger's thread, and of the whole process, per payment of `settle: after` on SQLite at a steady
 * rate; Linux only. Run it with `node test/bench/ledger-thread.ts [rounds] [rows before] [payments per second]`.
 */

const ROUNDS = Number(process.argv[2] ?? 5);
const ROWS = Number(process.argv[3] ?? 0);
const RATE = Number(process.argv[4] ?? 500);
const SECONDS = 4;
/** What the facilitator and the API take, in milliseconds, each time that they are asked. */
const ELSEWHERE_MS = 4;

const threads = async (): Promise<readonly string[]> => await readdir('/proc/self/task');

/** Begins payments by the clock. @returns how many */
async function load(store: Parameters<typeof payAfterAnswer>[0]): Promise<number> {
  const running: Promise<void>[] = [];
  const startedAt = performance.now();
  for (let index = 0; index < RATE * SECONDS; index += 1) {
    const due = startedAt + (index * 1000) / RATE;
    while (performance.now() < due) await (due - performance.now() > 1.5 ? setTimeout(1) : setImmediate());
    running.push(payAfterAnswer(store, () => setTimeout(ELSEWHERE_MS)));
  }
  await Promise.all(running);
  return running.length;
}

const folder = await mkdtemp(join(tmpdir(), 'turnpike-bench-'));
const path = join(folder, 'ledger.db');
await fillLedger(path, ROWS, 'delivered');
const before = new Set(await threads());
const store = await openSqliteLedger(path);
const own = (await threads()).filter((id) => !before.has(id));
const figures: number[] = [];
try {
  await load(store);
  for (let round = 0; round < ROUNDS; round += 1) {
    const [thread, whole] = await Promise.all([threadMicros(), processorMicrosOf(process.pid)]);
    const payments = await load(store);
    const [threadAfter, wholeAfter] = await Promise.all([threadMicros(), processorMicrosOf(process.pid)]);
    const each = (threadAfter - thread) / payments;
    figures.push(each);
    process.stdout.write(
      `round ${round}  the ledger's thread ${each.toFixed(0)} µs a payment, all threads ${((wholeAfter - whole) / payments).toFixed(0)} µs\n`,
    );
  }
} finally {
  await store.close();
  await rm(folder, { recursive: true, force: true });
}
const { median, min, max } = spreadOf(figures);
process.stdout.write(
  `median ${median.toFixed(0)} µs of the ledger's thread a payment (${min.toFixed(0)} to ${max.toFixed(0)})\n`,
);

async function threadMicros(): Promise<number> {
  const each = await Promise.all(own.map((id) => processorMicrosOf(process.pid, id)));
  return each.reduce((sum, micros) => sum + micros, 0);
}
