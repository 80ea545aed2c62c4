import { resolve } from 'node:path';
import type { LedgerReader } from '../ledger-reader.ts';
import type { PaymentStore } from '../payment-store.ts';
import { SqlLedger } from '../sql/sql-ledger.ts';
import { StoreOpenError } from '../store-open-error.ts';
import { openSqliteEngine } from './sqlite-engine.ts';

/** Options of a SQLite ledger. */
export interface SqliteLedgerOptions {
  /** Unix milliseconds; default the system's. */
  readonly clock?: () => number;
  /** How long a write waits for those of other processes on the same file, in milliseconds; default 5000. */
  readonly busyTimeoutMs?: number;
  /** Pages of 4 KiB that the file may grow to; default without bound. */
  readonly maxPages?: number;
}

/**
 * Opens the ledger in a SQLite file, which is created when it is not there. Several processes may share one file; it
 * has to be on a local disk.
 *
 * Writes are on the disk when their promise resolves. The file is written by a thread of its own, and simultaneous
 * writes share one transaction.
 *
 * @param path relative to the working directory
 * @throws StoreOpenError the file cannot be opened or was written by a newer version
 * @example const store = await openSqliteLedger('./turnpike.db');
 */
export async function openSqliteLedger(path: string, options: SqliteLedgerOptions = {}): Promise<PaymentStore> {
  requireFile(path);
  const { clock = Date.now, busyTimeoutMs = 5000, maxPages } = options;
  return new SqlLedger(await openSqliteEngine({ path: resolve(path), busyTimeoutMs, maxPages }), clock);
}

/**
 * Opens the ledger in a SQLite file for reading, whether a gateway is using it or not. The file is not changed.
 *
 * @param path relative to the working directory
 * @throws StoreOpenError the file cannot be read, or was written by another version
 */
export async function openSqliteReader(path: string): Promise<LedgerReader> {
  requireFile(path);
  const file = { path: resolve(path), busyTimeoutMs: 5000, maxPages: undefined, readOnly: true } as const;
  return new SqlLedger(await openSqliteEngine(file), Date.now);
}

function requireFile(path: string): void {
  // SQLite gives these names a meaning of its own. For a ledger in memory there is `store: memory`.
  if (path === '' || path === ':memory:' || path.startsWith('file:')) {
    throw new StoreOpenError(
      `the ledger needs a file\n  path: ${JSON.stringify(path)}\nname one, such as \`sqlite:./turnpike.db\`, or use \`store: memory\``,
    );
  }
}
