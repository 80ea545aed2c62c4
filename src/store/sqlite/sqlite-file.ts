import { closeSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ForeignStoreError, StoreOpenError } from '../store-open-error.ts';
import type { SqliteFile } from './batch.ts';
import { refuseLeftWal } from './left-wal.ts';
import { markOwn, refuseForeign } from './owned-file.ts';
import { adviceOn, describeFault, resultCode, SQLITE_BUSY, SQLITE_NOTADB } from './sqlite-fault.ts';

/** How long to wait before trying again to switch the journal, in milliseconds. */
const JOURNAL_RETRY_MS = 20;

/**
 * Opens a database file, creating it so that only its owner can read it: it holds signed payments.
 *
 * @throws StoreOpenError
 * @throws ForeignStoreError the path leads to something else than a ledger
 */
export function openFile({ path, busyTimeoutMs, maxPages }: SqliteFile): DatabaseSync {
  try {
    if (!statSync(dirname(path), { throwIfNoEntry: false })?.isDirectory()) {
      throw new StoreOpenError(
        `the ledger's folder does not exist\n  file: ${path}\ncreate ${dirname(path)}, or name another path in \`store\``,
      );
    }
    // Opening a pipe would wait for a reader at its other end, for ever.
    if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) {
      throw new ForeignStoreError(
        `the ledger is no file but a folder, a pipe or a device\n  file: ${path}\nname another path in \`store\``,
      );
    }
    // SQLite gives its -wal and -shm files the rights of the file itself.
    closeSync(openSync(path, 'a', 0o600));
    refuseLeftWal(path);
    const database = new DatabaseSync(path);
    database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    // Before anything is written: the journal mode belongs to the file.
    refuseForeign(database, path);
    switchToWal(database, Date.now() + busyTimeoutMs);
    // FULL: a commit is on the disk, not only handed to the system, before it is reported.
    database.exec('PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA journal_size_limit = 67108864');
    if (maxPages !== undefined) database.exec(`PRAGMA max_page_count = ${maxPages}`);
    markOwn(database);
    return database;
  } catch (error) {
    throw error instanceof StoreOpenError ? error : openFault(path, error);
  }
}

/**
 * Opens a database file for reading, while other processes may write it.
 *
 * @throws StoreOpenError
 * @throws ForeignStoreError the path leads to the database of another program
 */
export function openFileToRead({ path, busyTimeoutMs }: SqliteFile): DatabaseSync {
  try {
    const database = new DatabaseSync(path, { readOnly: true });
    database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    // This is the first read: it fails for a file that is no database.
    database.prepare('PRAGMA schema_version').get();
    refuseForeign(database, path);
    return database;
  } catch (error) {
    if (error instanceof StoreOpenError) throw error;
    throw new StoreOpenError(
      `the ledger cannot be read\n  file: ${path}\n  reason: ${describeFault(error)}\ncheck that it is a turnpike ledger, and run this as the gateway's user: SQLite keeps what readers share in files beside it`,
    );
  }
}

/**
 * Sets the journal mode, which belongs to the file. The change needs the file alone for a moment; SQLite does not wait.
 */
function switchToWal(database: DatabaseSync, until: number): void {
  for (;;) {
    try {
      if (database.prepare('PRAGMA journal_mode').get()?.['journal_mode'] !== 'wal') {
        database.exec('PRAGMA journal_mode = WAL');
      }
      return;
    } catch (error) {
      if (((resultCode(error) ?? 0) & 0xff) !== SQLITE_BUSY || Date.now() > until) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, JOURNAL_RETRY_MS);
    }
  }
}

function openFault(path: string, error: unknown): StoreOpenError {
  if (resultCode(error) === SQLITE_NOTADB) {
    return new ForeignStoreError(
      `the ledger's file is no SQLite database\n  file: ${path}\nname a path of its own in \`store\`; the file was left as it is`,
    );
  }
  return new StoreOpenError(describeOpenFault(path, error));
}

/** Why a ledger cannot be opened, and what its operator can do. */
export function describeOpenFault(path: string, error: unknown): string {
  return `the ledger cannot be opened\n  file: ${path}\n  reason: ${describeFault(error)}\n${adviceOn(error)}`;
}
