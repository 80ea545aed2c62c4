import { readdir, readFile } from 'node:fs/promises';
import { processorMicrosOf } from '../processor-time.ts';
import type { Side } from '../suite.ts';
import type { Rounds } from './row.ts';

/** What Node calls a worker thread that was given no name. A gateway has one for SQLite, and no other. */
const WORKER = 'WorkerThread';

/** A side whose ledger's thread is timed while it is measured. */
export interface TimedSide extends Side {
  /** Microseconds of processor time of the ledger's thread for a payment, for each turn so far; NaN where there is no `/proc`. */
  readonly ledgerMicros: readonly number[];
}

/** Times the ledger's thread of a gateway on SQLite. */
export async function timeLedger(side: Side): Promise<TimedSide> {
  const { pid } = side;
  const threads = await workersOf(pid);
  const ledgerMicros: number[] = [];
  const micros = async (): Promise<number> => {
    const each = await Promise.all(threads.map((thread) => processorMicrosOf(pid, thread)));
    return each.length === 0 ? Number.NaN : each.reduce((sum, one) => sum + one, 0);
  };
  return {
    ...side,
    ledgerMicros,
    async measure(seconds) {
      const before = await micros();
      const rate = await side.measure(seconds);
      ledgerMicros.push(((await micros()) - before) / (rate * seconds));
      return rate;
    },
  };
}

async function workersOf(pid: number | undefined): Promise<readonly string[]> {
  if (pid === undefined || process.platform !== 'linux') return [];
  const folder = `/proc/${pid}/task`;
  const ids = await readdir(folder);
  const names = await Promise.all(ids.map((id) => readFile(`${folder}/${id}/comm`, 'utf8')));
  const found = ids.filter((_, index) => names[index]?.trim() === WORKER);
  if (found.length === 0) throw new Error(`none of the threads is the ledger's: ${names.join(' ')}`);
  return found;
}

/** The mean of each round of so many turns, which follow the one of the warm-up. */
export function meansOfRounds([, ...turns]: readonly number[], perRound: number): Rounds {
  if (!turns.every(Number.isFinite)) return undefined;
  return Array.from({ length: turns.length / perRound }, (_, round) => {
    const own = turns.slice(round * perRound, (round + 1) * perRound);
    return own.reduce((sum, value) => sum + value, 0) / perRound;
  });
}
