import type { SqlRow, Statement } from '../sql/sql-engine.ts';

/** What the worker is started with. */
export interface SqliteFile {
  /** Absolute path. */
  readonly path: string;
  /** How long a transaction waits for another process's, in milliseconds. */
  readonly busyTimeoutMs: number;
  /** Pages of 4 KiB that the file may have; `undefined` for as many as the disk holds. */
  readonly maxPages: number | undefined;
  /** Only to look at it: a file that is not there is not made, and nothing is written. */
  readonly readOnly?: true;
}

/** Statements that take place all together, or none. */
export type Act = readonly Statement[];

/** What the worker is told: a batch to run in one transaction, or to close the file and end. */
export type WorkerTask = { readonly kind: 'batch'; readonly acts: readonly Act[] } | { readonly kind: 'close' };

/** What one act of a batch came to: the rows of each of its statements, or why nothing of it took place. */
export type ActResult =
  | { readonly kind: 'rows'; readonly rows: readonly (readonly SqlRow[])[] }
  | { readonly kind: 'not_unique' }
  | { readonly kind: 'fault'; readonly message: string };

/** What the worker says. */
export type WorkerAnswer =
  | { readonly kind: 'opened' }
  /** The file cannot be used as it is; the worker ends. */
  | { readonly kind: 'refused'; readonly message: string }
  /** The batch is on the disk; in the order of its acts. */
  | { readonly kind: 'done'; readonly results: readonly ActResult[] }
  /** Nothing of the batch took place. */
  | { readonly kind: 'failed'; readonly message: string };
