import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { StoreOpenError } from '../store-open-error.ts';
import { describeFault, isDamage } from './sqlite-fault.ts';

/** Largest file that is read whole, in bytes. That takes some two seconds: a start must not take minutes. */
const MOST_READ = 256n * 1024n * 1024n;

/**
 * Refuses a backup beside which the `-wal` file of an earlier database was left, as after a crash: SQLite writes its pages
 * over the backup without a warning, and payments of both are gone.
 *
 * A file that was put in its place after the last write to the `-wal` file is read whole, by a connection that writes
 * nothing. In a larger file the damage is found once SQLite comes to it (`isDamage`).
 *
 * @throws StoreOpenError where the two do not fit
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
    // Other faults are reported when the file is opened to be used.
    return isDamage(error) ? describeFault(error) : undefined;
  } finally {
    database?.close();
  }
}
