import type { SqlValue, Statement } from '../sql/sql-engine.ts';

/** What the worker is started with. */
export interface SqliteFile {
  /** Absolute path. */
  readonly path: string;
  /** How long a transaction waits for another process's, in milliseconds. */
  readonly busyTimeoutMs: number;
  /** Pages of 4 KiB that the file may have; `undefined` for as many as the disk holds. */
  readonly maxPages: number | undefined;
  /** For reading only: a missing file is not created, and nothing is written. */
  readonly readOnly?: true;
}

/**
 * A statement on its way to the thread. A text that is used again and again is sent once, and from then on by its
 * number: 0 for the first of all `texts` that tasks sent, and so on.
 */
export type SentStatement = readonly [
  kind: Statement['kind'],
  text: number | string,
  values: readonly SqlValue[],
  gives: Statement['gives'],
];

/** Statements that take place all together, or none. */
export type Act = readonly SentStatement[];

/** A task for the worker: a batch to run in one transaction, or to close the file and end. */
export type WorkerTask =
  | { readonly kind: 'batch'; readonly texts: readonly string[]; readonly acts: readonly Act[] }
  | { readonly kind: 'close' };

/** The rows of a statement, on their way back: objects would carry the names of all columns in each row. */
export interface SentRows {
  /** Names of columns, with a space between any two. */
  readonly columns: string;
  /** In each row the values in the order of the columns. */
  readonly rows: readonly (readonly unknown[])[];
}

/** What a statement gave: rows, or how many rows it changed. */
export type SentResult = SentRows | number;

/** The result of one act of a batch: what each of its statements gave, or the reason why nothing of it took place. */
export type ActResult =
  | { readonly kind: 'rows'; readonly rows: readonly SentResult[] }
  | { readonly kind: 'not_unique' }
  | { readonly kind: 'fault'; readonly message: string };

/** A message of the worker. */
export type WorkerAnswer =
  | { readonly kind: 'opened' }
  /** The file cannot be used as it is; the worker ends. */
  | { readonly kind: 'refused'; readonly message: string; readonly isForeign?: boolean }
  /** The batch is on the disk; in the order of its acts. */
  | { readonly kind: 'done'; readonly results: readonly ActResult[] }
  /** Nothing of the batch took place. */
  | { readonly kind: 'failed'; readonly message: string };
