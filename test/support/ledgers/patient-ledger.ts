import type { PaymentStore } from '../../../src/store/payment-store.ts';
import { openPostgresLedger, type PostgresLedgerOptions } from '../../../src/store/postgres/postgres-ledger.ts';

/** Opens a PostgreSQL ledger that waits for a busy machine: for tests of anything but what silence comes to. */
export async function openPatiently(url: string, options: PostgresLedgerOptions = {}): Promise<PaymentStore> {
  return await openPostgresLedger(url, { connectTimeoutMs: 30_000, statementTimeoutMs: 30_000, ...options });
}
