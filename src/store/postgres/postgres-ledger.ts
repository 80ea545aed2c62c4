import type { LedgerReader } from '../ledger-reader.ts';
import type { PaymentStore } from '../payment-store.ts';
import { SqlLedger } from '../sql/sql-ledger.ts';
import { openPostgresEngine } from './postgres-engine.ts';
import { readPostgresUrl } from './postgres-url.ts';

/** Options of a PostgreSQL ledger. */
export interface PostgresLedgerOptions {
  /** Unix milliseconds; default the system's. */
  readonly clock?: () => number;
  /** How long a call waits for a connection, in milliseconds; default 2000. */
  readonly connectTimeoutMs?: number;
  /** How long one statement of a request may take, in milliseconds; default 5000. */
  readonly statementTimeoutMs?: number;
}

/**
 * Opens the ledger in a PostgreSQL database, which any number of processes may share. Its tables begin with
 * `turnpike_`.
 *
 * While the server is unavailable, every call rejects with `store_unavailable`. Calls work again when it is back: no
 * data is kept elsewhere meanwhile.
 *
 * @param url `postgres://user:password@host:port/database`; `?pool=N` sets the most connections (default 10), the
 *   driver's own parameters such as `sslmode` pass through
 * @throws StoreOpenError the database cannot be reached, or was written by a newer version
 */
export async function openPostgresLedger(url: string, options: PostgresLedgerOptions = {}): Promise<PaymentStore> {
  const { clock = Date.now, connectTimeoutMs = 2000, statementTimeoutMs = 5000 } = options;
  const timeouts = { connectMs: connectTimeoutMs, statementMs: statementTimeoutMs };
  return new SqlLedger(await openPostgresEngine(readPostgresUrl(url), timeouts), clock);
}

/**
 * Opens the ledger in a PostgreSQL database to read it. The server refuses every write on its connections, and only the
 * right to read is needed.
 *
 * @param url as for {@link openPostgresLedger}
 * @throws StoreOpenError the database cannot be reached, or was written by another version
 */
export async function openPostgresReader(url: string): Promise<LedgerReader> {
  const timeouts = { connectMs: 5000, statementMs: 5000 };
  return new SqlLedger(await openPostgresEngine(readPostgresUrl(url), timeouts, 'read'), Date.now);
}
