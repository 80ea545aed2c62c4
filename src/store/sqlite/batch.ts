import type { SqlRow, Statement } from '../sql/sql-engine.ts';

/** What the worker is started with. */
export interface SqliteFile {
  /** Absolute path. */
  readonly path: string;
  /** How long a transaction waits for another process's, in milliseconds. */
  readonly busyTimeoutMs: number;
  /** Pages of 4 KiB that the file may have; `undefined` for as many as the disk holds. */
  readonly maxPages: number | undefined;
}

/** What the worker is told: a batch to run in one transaction, or to close the file and end. */
export type WorkerTask =
  | { readonly kind: 'batch'; readonly statements: readonly Statement[] }
  | { readonly kind: 'close' };

/** What one statement of a batch came to. */
export type StatementResult =
  | { readonly kind: 'rows'; readonly rows: readonly SqlRow[] }
  | { readonly kind: 'not_unique' }
  | { readonly kind: 'fault'; readonly message: string };

/** What the worker says. */
export type WorkerAnswer =
  | { readonly kind: 'opened' }
  /** The file cannot be used as it is; the worker ends. */
  | { readonly kind: 'refused'; readonly message: string }
  /** The batch is on the disk; in the order of its statements. */
  | { readonly kind: 'done'; readonly results: readonly StatementResult[] }
  /** Nothing of the batch took place. */
  | { readonly kind: 'failed'; readonly message: string };
