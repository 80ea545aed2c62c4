import type { Plan } from '../domain/plan.ts';
import { soundValue } from './decoder.ts';
import { DEFAULT_DEFERRED } from './delivery-keys.ts';
import { type GatewayFields, MAX_WORKERS } from './gateway-keys.ts';
import type { Source } from './source.ts';

/** The parts of the plan for the ledger, and for the processes that share it. */
export type LedgerPlan = Pick<Plan, 'store' | 'workers' | 'deferred' | 'retryWindowMs' | 'retentionMs'>;

/** Compiles where and how long payments are remembered; `undefined` when a part of it is not sound. */
export function compileLedger(gateway: GatewayFields, cpus: number, source: Source): LedgerPlan | undefined {
  checkShared(gateway, source);
  checkRetention(gateway, source);
  const store = soundValue(gateway.store);
  const wanted = soundValue(gateway.workers);
  const retryWindowMs = soundValue(gateway.retryWindow);
  const retentionMs = soundValue(gateway.retention);
  if (store === undefined || wanted === undefined) return undefined;
  if (retryWindowMs === undefined || retentionMs === undefined) return undefined;
  const workers = wanted === 'auto' ? Math.min(Math.max(cpus, 1), MAX_WORKERS) : wanted;
  return { store, workers, deferred: soundValue(gateway.deferred) ?? DEFAULT_DEFERRED, retryWindowMs, retentionMs };
}

/**
 * Two processes that each remember for themselves would each serve the same payment. `auto` is refused on a machine
 * with one core as well: a file that is sound on one machine is sound on all.
 */
function checkShared(gateway: GatewayFields, source: Source): void {
  const workers = soundValue(gateway.workers);
  if (workers === undefined || workers === 1 || soundValue(gateway.store)?.lasting !== false) return;
  source.report(
    gateway.workers.place,
    'several processes cannot share store: memory, so that one payment would be served by each of them',
    '1, or a store such as sqlite:./turnpike.db',
  );
}

/** A payment that is forgotten while its answer can be collected would be charged again. */
function checkRetention(gateway: GatewayFields, source: Source): void {
  const retryWindowMs = soundValue(gateway.retryWindow);
  const retentionMs = soundValue(gateway.retention);
  if (retryWindowMs === undefined || retentionMs === undefined || retentionMs >= retryWindowMs) return;
  source.report(
    gateway.retention.place,
    'payments would be forgotten while their answers can still be collected',
    'at least the retryWindow',
  );
}
