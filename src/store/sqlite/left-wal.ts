import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { StoreOpenError } from '../store-open-error.ts';
import { describeFault, isDamage } from './sqlite-fault.ts';

/** Largest file that is read whole, in bytes: some two seconds. A start must not wait for minutes. */
const MOST_READ = 256n * 1024n * 1024n;

/**
 * Refuses a backup beside which the `-wal` file of the file before was left, as after a crash: SQLite writes that over the
 * backup, and of both some payments are gone, without a word. Where the file was put in its place after the last write
 * to the `-wal` file, a file that is not too large is read whole; the connection is one that writes nothing. Larger ones are
 * told once SQLite meets the damage.
 *
 * @throws StoreOpenError
 */
export function refuseLeftWal(path: string): void {
  const options = { bigint: true, throwIfNoEntry: false } as const;
  const [database, wal] = [statSync(path, options), statSync(`${path}-wal`, options)];
  if (database === undefined || wal === undefined || wal.size === 0n || database.ctimeNs <= wal.mtimeNs) return;
  if (database.size > MOST_READ) return;
  const why = whyDamaged(path);
  if (why === undefined) return;
  throw new StoreOpenError(
    `the ledger's file does not fit the -wal file beside it\n  file: ${path}\n  reason: ${why}\nput the backup in its place once more, remove ${path}-wal and ${path}-shm, and start again; the files were left as they are`,
  );
}

function whyDamaged(path: string): string | undefined {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { readOnly: true });
    const said = database.prepare('PRAGMA integrity_check(1)').get()?.['integrity_check'];
    return said === 'ok' ? undefined : String(said).split('\n').at(-1);
  } catch (error) {
    // What else is wrong with it is reported when it is opened.
    return isDamage(error) ? describeFault(error) : undefined;
  } finally {
    database?.close();
  }
}
