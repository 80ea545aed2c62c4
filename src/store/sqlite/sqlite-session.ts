import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { SchemaRow } from '../sql/schema.ts';
import type { Act, ActResult, SentResult, SentRows, SentStatement } from './batch.ts';
import { describeFault, faultOf } from './sqlite-fault.ts';

/** A text that was prepared. */
interface Prepared {
  readonly statement: StatementSync;
  /** For each `?` of the text, in their order, the index of its value. */
  readonly places: readonly number[];
  /** Names of the columns, as they are sent; not known before the first row. */
  columns: string;
}

/** Runs statements one after another on one connection. */
export class SqliteSession {
  readonly #database: DatabaseSync;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  /** By the number that a text is sent as. */
  readonly #known: Prepared[] = [];
  /** All texts that were sent, by their number. */
  readonly #texts: string[] = [];
  /** Whether commits wait for the disk: the file is opened so. */
  #waits = true;
  /** Whether nothing was written since the `-wal` file was emptied. */
  #isComplete = false;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#begin = database.prepare('BEGIN IMMEDIATE');
    this.#commit = database.prepare('COMMIT');
  }

  /** Runs a text without parameters. */
  run(text: string): readonly SchemaRow[] {
    return this.#database.prepare(text).all();
  }

  /**
   * Moves everything from the `-wal` file into the database, wherever that is now. A renamed file is whole then, and a
   * backup that takes its place meets no `-wal` that belongs to another file: SQLite would write it over the backup.
   */
  completeFile(): void {
    if (this.#isComplete) return;
    this.#isComplete = true;
    try {
      this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    } catch {
      // The disk is full or gone: the file stays as it is.
    }
  }

  /** Takes note of texts that are sent as numbers from now on. */
  learn(texts: readonly string[]): void {
    this.#texts.push(...texts);
  }

  /**
   * Runs acts in one transaction, which is on the disk when this returns. If all it wrote are marks, they get there
   * with the next write. An act that fails alone does not affect the others.
   *
   * @throws Error when the transaction failed: nothing of it took place
   */
  runBatch(acts: readonly Act[]): readonly ActResult[] {
    const writes = holds(acts, 'write');
    // Without a write there is nothing to commit, and no reason to wait for another process's transaction.
    if (!writes && !holds(acts, 'mark')) return acts.map((act) => this.#runStatements(act));
    this.#waitForDisk(writes);
    this.#isComplete = false;
    this.#begin.run();
    try {
      const results = acts.map((act) => this.#runAct(act));
      this.#commit.run();
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

  /** A single statement is atomic. Several are rolled back together when one of them fails. */
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
      return { kind: 'rows', rows: act.map((sent) => this.#runStatement(sent)) };
    } catch (error) {
      const fault = faultOf(error);
      if (fault === 'of_transaction') throw error;
      return fault === 'not_unique' ? { kind: fault } : { kind: 'fault', message: describeFault(error) };
    }
  }

  #runStatement([, text, values, gives]: SentStatement): SentResult {
    const prepared = typeof text === 'string' ? prepare(this.#database, text) : this.#prepared(text);
    const bound = prepared.places.map((place) => values[place] ?? null);
    if (gives === 'changes') return Number(prepared.statement.run(...bound).changes);
    const rows = prepared.statement.all(...bound);
    const [first] = rows;
    if (first === undefined) return NO_ROWS;
    if (Array.isArray(first)) return { columns: prepared.columns, rows: rows.map(valuesOf) };
    // The names are known now: later rows come as arrays, where Node supports that (from 22.16).
    prepared.columns = Object.keys(first).join(' ');
    if ('setReturnArrays' in prepared.statement) prepared.statement.setReturnArrays(true);
    return { columns: prepared.columns, rows: rows.map(valuesOf) };
  }

  #prepared(number: number): Prepared {
    let prepared = this.#known[number];
    if (prepared === undefined) {
      const text = this.#texts[number];
      if (text === undefined) throw new Error(`text ${number} was never sent`);
      prepared = prepare(this.#database, text);
      this.#known[number] = prepared;
    }
    return prepared;
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

function holds(acts: readonly Act[], kind: SentStatement[0]): boolean {
  return acts.some((act) => act.some(([own]) => own === kind));
}

function valuesOf(row: object): readonly unknown[] {
  return Array.isArray(row) ? row : Object.values(row);
}

const NO_ROWS: SentRows = { columns: '', rows: [] };

/** SQLite treats `$1` as a name and looks it up each time; a plain `?` is bound by its place. */
function prepare(database: DatabaseSync, text: string): Prepared {
  const places: number[] = [];
  const placed = text.replaceAll(/\$(\d+)/g, (_, number) => {
    places.push(Number(number) - 1);
    return '?';
  });
  return { statement: database.prepare(placed), places, columns: '' };
}
