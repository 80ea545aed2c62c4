import type { PassId } from '../../src/domain/pass.ts';
import type { PaymentClaim } from '../../src/domain/payment-record.ts';
import { openQuota } from '../../src/pass/process-quota.ts';
import type { ClaimOutcome } from '../../src/store/ledger.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { openSqliteLedger } from '../../src/store/sqlite/sqlite-ledger.ts';
import { openPatiently } from '../support/ledgers/patient-ledger.ts';

/*
 * A separate process with an open ledger: `sqlite PATH` or `postgres URL`. It runs what its parent sends, all at once,
 * and sends back the results; it sends `ready` first. It ends with its parent.
 */

/** What the parent sends: payments to claim, or a pass and the number of calls with it. */
export type Work =
  | { readonly kind: 'claim'; readonly claims: readonly PaymentClaim[] }
  | { readonly kind: 'call'; readonly pass: PassId; readonly times: number };

async function open(): Promise<PaymentStore> {
  const [kind, place = ''] = process.argv.slice(2);
  return kind === 'postgres' ? await openPatiently(place) : await openSqliteLedger(place);
}

const ledger = await open();
const quota = openQuota(ledger.passes);

async function perform(work: Work): Promise<readonly ClaimOutcome[] | number> {
  if (work.kind === 'claim') return Promise.all(work.claims.map((claim) => ledger.claim(claim)));
  const outcomes = await Promise.all(Array.from({ length: work.times }, async () => quota.take(work.pass)));
  return outcomes.filter(({ kind }) => kind === 'taken').length;
}

process.on('message', async (work: Work) => process.send?.(await perform(work)));
process.once('disconnect', () => process.exit());
process.send?.('ready');
