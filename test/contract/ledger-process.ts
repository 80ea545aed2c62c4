import type { PaymentClaim } from '../../src/domain/payment-record.ts';
import type { ClaimOutcome } from '../../src/store/ledger.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { openPostgresLedger } from '../../src/store/postgres/postgres-ledger.ts';
import { openSqliteLedger } from '../../src/store/sqlite/sqlite-ledger.ts';

/*
 * A process of its own that has the ledger open: `sqlite PATH` or `postgres URL`. Claims what its parent sends, all at
 * once, and sends the outcomes back; says `ready` first. Ends with its parent.
 */

async function open(): Promise<PaymentStore> {
  const [kind, place = ''] = process.argv.slice(2);
  return kind === 'postgres' ? await openPostgresLedger(place) : await openSqliteLedger(place);
}

const ledger = await open();
process.on('message', async (claims: readonly PaymentClaim[]) => {
  const outcomes: readonly ClaimOutcome[] = await Promise.all(claims.map((claim) => ledger.claim(claim)));
  process.send?.(outcomes);
});
process.once('disconnect', () => process.exit());
process.send?.('ready');
