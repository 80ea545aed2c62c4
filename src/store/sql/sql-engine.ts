/** What a parameter may be. Numbers are whole and below 2^53; amounts of money go as decimal text. */
export type SqlValue = string | number | Uint8Array | null;

/** One row as the engine gives it. */
export interface SqlRow {
  /** The value of a column: a number for a whole number, `null` for nothing, `undefined` where there is no such column. */
  get(column: string): unknown;
}

/** One statement, in the SQL that both engines understand, with `$1` placeholders. */
export interface Statement {
  /**
   * How an engine may run it. A `write` is durable before its rows are returned. A `mark` is seen by every process then
   * and outlives this one; a loss of power may undo it, which does no harm. A `read` needs no transaction. A `report`
   * may take much longer than a request would wait.
   */
  readonly kind: 'write' | 'mark' | 'read' | 'report';
  /**
   * Set where the statement returns no rows and the caller asks how many it changed: it then gives an empty row for each.
   * SQLite returns a row by way of a table that it makes for it, and reads every column of the row before.
   */
  readonly gives?: 'changes';
  /** Names the text, so that it is prepared once per connection; absent where the text is put together each time. */
  readonly name?: string;
  readonly text: string;
  readonly values: readonly SqlValue[];
}

const EMPTY_ROW: SqlRow = { get: () => undefined };

/** The result of a statement that changed this many rows and returns none of them. */
export function emptyRows(changes: number): readonly SqlRow[] {
  return Array.from({ length: changes }, () => EMPTY_ROW);
}

/** The SQL in which the two engines differ. */
export interface Dialect {
  /** Text that is ordered and compared by code point, whatever the database's language. */
  readonly text: string;
  readonly bytes: string;
  /** By what a partial index is found to fit a query: by the words of its condition, or by their meaning. */
  readonly fitsIndexesBy: 'words' | 'meaning';
  /** At the end of a subquery: takes its rows, and passes over those that another process is taking. */
  readonly takeRows: string;
  /**
   * The model in column `usage`, as JSON text; NULL where there is none. Never fails: one damaged row must not end a
   * report.
   */
  readonly modelOfUsage: string;
  /** Gives a row where the table of the schema's version is there. */
  readonly findVersionTable: string;
  /** Gives `of_table` and `name` of each column of the tables whose names begin with `turnpike_`. */
  readonly findColumns: string;
  /** Begins a transaction that one process at a time can be in. */
  readonly beginAlone: readonly string[];
  /** Whether a statement of such a transaction gave up because other sessions hold locks on what it changes. */
  isHeldUp(fault: unknown): boolean;
}

/** A row was refused because another one has the same value in a unique index: an outcome, not a fault. */
export class UniqueViolation extends Error {
  override readonly name = 'UniqueViolation';
}

/** Runs SQL: one call is one atomic act. */
export interface SqlEngine {
  readonly dialect: Dialect;
  /**
   * Runs a statement.
   *
   * @throws UniqueViolation
   * @throws GatewayError `store_unavailable` for everything else: the statement may have been carried out, or not
   */
  run(statement: Statement): Promise<readonly SqlRow[]>;
  /**
   * Runs statements one after another as one atomic act: all of them, or none. Each sees what was committed before it
   * began, and what those before it did. Gives the rows of each.
   *
   * @throws UniqueViolation
   * @throws GatewayError `store_unavailable` for everything else: the act may have been carried out, or not
   */
  runTogether(statements: readonly Statement[]): Promise<readonly (readonly SqlRow[])[]>;
  /** Finishes accepted calls, then closes files and connections. */
  close(): Promise<void>;
}
