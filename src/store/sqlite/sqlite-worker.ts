import { parentPort, workerData } from 'node:worker_threads';
import { migrate, requireSchema } from '../sql/schema.ts';
import { ForeignStoreError, StoreOpenError } from '../store-open-error.ts';
import type { SqliteFile, WorkerAnswer, WorkerTask } from './batch.ts';
import { OpenedFiles } from './opened-files.ts';
import { sqliteDialect } from './sqlite-dialect.ts';
import { describeFault, isDamage } from './sqlite-fault.ts';
import { describeOpenFault, openFile, openFileToRead } from './sqlite-file.ts';
import { SqliteSession } from './sqlite-session.ts';

/** The thread that SQLite runs in: it waits for the disk, which must not stop the event loop that carries requests. */

const file: SqliteFile = workerData;
/**
 * Set once the file was found damaged: from then on nothing is read or written. A damaged file may say that a used payment
 * is new. Readers for reports go on.
 */
let damage: string | undefined;

function say(answer: WorkerAnswer): void {
  parentPort?.postMessage(answer);
}

async function serve(): Promise<void> {
  const database = file.readOnly === true ? openFileToRead(file) : openFile(file);
  const session = new SqliteSession(database);
  await (file.readOnly === true ? requireSchema : migrate)(session, sqliteDialect);
  const files = file.readOnly === true ? undefined : new OpenedFiles(file.path);
  parentPort?.on('message', (task: WorkerTask) => {
    if (task.kind === 'close') {
      database.close();
      parentPort?.close();
      return;
    }
    say(runBatch(session, task, files));
  });
  say({ kind: 'opened' });
}

function runBatch(
  session: SqliteSession,
  { texts, acts }: Extract<WorkerTask, { kind: 'batch' }>,
  files: OpenedFiles | undefined,
): WorkerAnswer {
  session.learn(texts);
  if (damage !== undefined) return { kind: 'failed', message: damage };
  try {
    const moved = files?.trouble();
    if (moved !== undefined) {
      if (moved.isDatabase) session.completeFile();
      return { kind: 'failed', message: moved.message };
    }
    return { kind: 'done', results: session.runBatch(acts) };
  } catch (error) {
    if (isDamage(error) && file.readOnly !== true) damage = describeDamage(error);
    return { kind: 'failed', message: damage ?? describeFault(error) };
  }
}

function describeDamage(error: unknown): string {
  return `the ledger's file ${file.path} is damaged: stop the gateway, put a backup in its place, without -wal and -shm files beside it, and start it: ${describeFault(error)}`;
}

try {
  await serve();
} catch (error) {
  const message = error instanceof StoreOpenError ? error.message : describeOpenFault(file.path, error);
  say({ kind: 'refused', message, isForeign: error instanceof ForeignStoreError });
}
