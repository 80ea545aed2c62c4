import type { FacilitatorSpec } from './domain/facilitator-spec.ts';
import type { StoreSpec } from './domain/plan.ts';
import type { Facilitator } from './facilitator/facilitator.ts';
import { openLocalFacilitator } from './facilitator/local/local-facilitator.ts';
import { openRemoteFacilitator } from './facilitator/remote/remote-facilitator.ts';
import type { Protocol } from './protocol/protocol.ts';
import { x402V1 } from './protocol/v1/x402-v1.ts';
import { x402V2 } from './protocol/v2/x402-v2.ts';
import { loadExactEvm } from './scheme/exact-evm/exact-evm.ts';
import type { Scheme } from './scheme/scheme.ts';
import { openMemoryLedger } from './store/memory/memory-ledger.ts';
import type { PaymentStore } from './store/payment-store.ts';
import { openPostgresLedger } from './store/postgres/postgres-ledger.ts';
import { openSqliteLedger } from './store/sqlite/sqlite-ledger.ts';

/*
 * The one list of what is built in. A new protocol, scheme, facilitator kind or store is a folder and a line here.
 */

/** Payment protocols, the preferred one first. */
export const protocols: readonly Protocol[] = [x402V2, x402V1];

/** Loads the payment schemes; their cryptography is WebAssembly or native and loads asynchronously. */
export async function loadSchemes(): Promise<readonly Scheme[]> {
  return [await loadExactEvm()];
}

/** Opens a facilitator. Nothing is sent before its first call. */
export function openFacilitator(spec: FacilitatorSpec): Facilitator {
  switch (spec.kind) {
    case 'remote':
      return openRemoteFacilitator(spec);
    case 'local':
      return openLocalFacilitator(spec);
  }
}

/** Opens the store; resolves once it is reachable and of this version. */
export async function openStore(spec: StoreSpec): Promise<PaymentStore> {
  switch (spec.kind) {
    case 'memory':
      return openMemoryLedger();
    case 'sqlite':
      return await openSqliteLedger(spec.path);
    case 'postgres':
      return await openPostgresLedger(spec.url);
  }
}
