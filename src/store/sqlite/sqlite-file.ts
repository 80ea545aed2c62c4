import { closeSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import type { SqlRow, SqlValue } from '../sql/sql-engine.ts';
import { StoreOpenError } from '../store-open-error.ts';
import type { Act, ActResult, SqliteFile } from './batch.ts';

/** SQLite's result codes (https://www.sqlite.org/rescode.html) that are told apart here. */
const SQLITE_BUSY = 5;
const SQLITE_CONSTRAINT_UNIQUE = 2067;
/** Faults of one statement that leave the transaction around it as it was: bad SQL, too large a value, a constraint. */
const STATEMENT_FAULTS: ReadonlySet<number> = new Set([1, 18, 19, 20, 25]);
/** How long to wait before trying again to switch the journal, in milliseconds. */
const JOURNAL_RETRY_MS = 20;

/**
 * Opens a database file, creating it for its owner's eyes only: it holds signed payments.
 *
 * @throws StoreOpenError
 */
export function openFile({ path, busyTimeoutMs, maxPages }: SqliteFile): DatabaseSync {
  try {
    if (!statSync(dirname(path), { throwIfNoEntry: false })?.isDirectory()) {
      throw new StoreOpenError(
        `the ledger's folder does not exist\n  file: ${path}\ncreate ${dirname(path)}, or name another path in \`store\``,
      );
    }
    // SQLite gives its -wal and -shm files the rights of the file itself.
    closeSync(openSync(path, 'a', 0o600));
    const database = new DatabaseSync(path);
    database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    switchToWal(database, Date.now() + busyTimeoutMs);
    // FULL: a commit is on the disk, not only handed to the system, before anybody hears of it.
    database.exec('PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA journal_size_limit = 67108864');
    if (maxPages !== undefined) database.exec(`PRAGMA max_page_count = ${maxPages}`);
    return database;
  } catch (error) {
    throw error instanceof StoreOpenError ? error : new StoreOpenError(describeOpenFault(path, error));
  }
}

/**
 * Opens a database file to look at it, whoever else is writing it.
 *
 * @throws StoreOpenError
 */
export function openFileToRead({ path, busyTimeoutMs }: SqliteFile): DatabaseSync {
  try {
    const database = new DatabaseSync(path, { readOnly: true });
    database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    // Nothing is read before this: a file that is no database says so here.
    database.prepare('PRAGMA schema_version').get();
    return database;
  } catch (error) {
    throw new StoreOpenError(
      `the ledger cannot be read\n  file: ${path}\n  reason: ${describeFault(error)}\ncheck that it is a turnpike ledger, and run this as the gateway's user: SQLite keeps what readers share in files beside it`,
    );
  }
}

/** Runs statements one after another on one connection, each text prepared once. */
export class SqliteSession {
  readonly #database: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();
  /** Whether commits wait for the disk, as the file was opened. */
  #waits = true;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Runs a text without parameters. */
  run(text: string): readonly SqlRow[] {
    return this.#database.prepare(text).all();
  }

  /**
   * Runs acts in one transaction, which is on the disk when this returns, unless all it wrote are marks: those get there
   * with the next write. An act that fails by itself does not disturb the others.
   *
   * @throws Error when the transaction failed: nothing of it took place
   */
  runBatch(acts: readonly Act[]): readonly ActResult[] {
    const kinds = new Set(acts.flatMap((act) => act.map(({ kind }) => kind)));
    // Without a write there is nothing to commit, and no reason to wait for another process's transaction.
    if (!kinds.has('write') && !kinds.has('mark')) return acts.map((act) => this.#runStatements(act));
    this.#waitForDisk(kinds.has('write'));
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const results = acts.map((act) => this.#runAct(act));
      this.#database.exec('COMMIT');
      return results;
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  /** FULL: a commit is on the disk, not only handed to the system. Everything that was committed before goes with it. */
  #waitForDisk(wait: boolean): void {
    if (wait === this.#waits) return;
    this.#database.exec(`PRAGMA synchronous = ${wait ? 'FULL' : 'NORMAL'}`);
    this.#waits = wait;
  }

  /** One statement is whole by itself; several are taken back together when one of them fails. */
  #runAct(act: Act): ActResult {
    if (act.length === 1) return this.#runStatements(act);
    this.#database.exec('SAVEPOINT act');
    const result = this.#runStatements(act);
    if (result.kind !== 'rows') this.#database.exec('ROLLBACK TO act');
    this.#database.exec('RELEASE act');
    return result;
  }

  #runStatements(act: Act): ActResult {
    try {
      return { kind: 'rows', rows: act.map(({ text, values }) => this.#prepare(text).all(namedValues(values))) };
    } catch (error) {
      const code = resultCode(error);
      if (code === SQLITE_CONSTRAINT_UNIQUE) return { kind: 'not_unique' };
      if (code !== undefined && !STATEMENT_FAULTS.has(code & 0xff)) throw error;
      return { kind: 'fault', message: describeFault(error) };
    }
  }

  #prepare(text: string): StatementSync {
    let statement = this.#prepared.get(text);
    if (statement === undefined) {
      statement = this.#database.prepare(text);
      this.#prepared.set(text, statement);
    }
    return statement;
  }

  /** A full disk or an I/O error may have ended the transaction already. */
  #rollBack(): void {
    try {
      this.#database.exec('ROLLBACK');
    } catch {
      // Ended already.
    }
  }
}

/** A fault's text with SQLite's result code, for logs. */
export function describeFault(error: unknown): string {
  const code = resultCode(error);
  const message = error instanceof Error ? error.message : String(error);
  return code === undefined ? message : `${message} (SQLite result code ${code})`;
}

/** Placeholders are `$1`, `$2`, …, which SQLite takes for names. */
function namedValues(values: readonly SqlValue[]): Record<string, SQLInputValue> {
  return Object.fromEntries(values.map((value, index) => [`$${index + 1}`, value]));
}

/** The journal's kind belongs to the file and needs it for a moment alone; SQLite does not wait for that by itself. */
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

function resultCode(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : undefined;
}

function describeOpenFault(path: string, error: unknown): string {
  return `the ledger cannot be opened\n  file: ${path}\n  reason: ${describeFault(error)}\ncheck that it is a turnpike ledger, and that this process may write it and its folder`;
}
