import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { StoreOpenError } from '../store-open-error.ts';
import { describeFault, isDamage } from './sqlite-fault.ts';

/**
 * Refuses a backup beside which the `-wal` file of the file before was left, as after a crash: SQLite writes that over the
 * backup, and of both some payments are gone, without a word. Where the file was put in its place after the last write
 * to the `-wal` file, all of it is read; the connection is one that writes nothing.
 *
 * @throws StoreOpenError
 */
export function refuseLeftWal(path: string): void {
  const options = { bigint: true, throwIfNoEntry: false } as const;
  const [database, wal] = [statSync(path, options), statSync(`${path}-wal`, options)];
  if (database === undefined || wal === undefined || wal.size === 0n || database.ctimeNs <= wal.mtimeNs) return;
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
