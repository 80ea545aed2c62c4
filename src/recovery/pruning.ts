import type { Answers } from '../store/answers.ts';
import type { Balances } from '../store/balances.ts';
import type { PassUpkeep } from '../store/passes.ts';
import type { Upkeep } from '../store/upkeep.ts';
import { type Uses, WINDOW_GRACE_MS } from '../store/uses.ts';

/** Rows deleted in one statement: few enough that no request waits for it. */
const PRUNED_AT_ONCE = 500;
/** Most statements of one kind in one round. One is not enough: any client can create such rows, and fast. */
const MOST_PRUNINGS = 20;
/** How long rows are kept that moved no money, in milliseconds: the money was not asked for, or it was refused. */
const UNMOVED_KEPT_MS = { released: 60_000, failed: 86_400_000 } as const;
/** How much longer than the retry window a kept answer stays, in milliseconds: clocks of replicas differ. */
const ANSWER_MARGIN_MS = 60_000;

/** The parts of a store from which things are deleted. */
export type PrunedStore = Upkeep &
  Pick<Answers, 'forgetAnswers'> & {
    readonly passes: PassUpkeep & { readonly balances: Pick<Balances, 'pruneDraws'> };
    readonly uses: Pick<Uses, 'pruneUses'>;
  };

/** How long things are kept. */
export interface KeepingTimes {
  /** Finished rows, in milliseconds. */
  readonly retentionMs: number;
  /** Answers that can be collected, in milliseconds. */
  readonly retryWindowMs: number;
}

/**
 * Deletes from the store what has been kept for long enough, a bounded number of rows.
 *
 * @param steadyNow Unix milliseconds that do not jump ahead: see `SteadyClock`
 * @param now Unix milliseconds of the wall clock, for rows that moved no money
 */
export async function pruneStore(
  store: PrunedStore,
  { retentionMs, retryWindowMs }: KeepingTimes,
  steadyNow: number,
  now: number,
): Promise<void> {
  const before = steadyNow - retentionMs;
  await store.prune(before, Math.floor(before / 1000), PRUNED_AT_ONCE);
  await store.passes.prunePasses(before, steadyNow, PRUNED_AT_ONCE);
  await inBatches(() => store.passes.balances.pruneDraws(before, PRUNED_AT_ONCE));
  // There may be a window for each client: more than one batch ends at a time.
  await inBatches(() => store.uses.pruneUses(steadyNow - WINDOW_GRACE_MS, PRUNED_AT_ONCE));
  await inBatches(() => store.forgetUnmoved('released', now - UNMOVED_KEPT_MS.released, PRUNED_AT_ONCE));
  await inBatches(() => store.forgetUnmoved('failed', now - UNMOVED_KEPT_MS.failed, PRUNED_AT_ONCE));
  await store.forgetAnswers(steadyNow - retryWindowMs - ANSWER_MARGIN_MS, PRUNED_AT_ONCE);
}

/** @param prune deletes one batch, and resolves to how many rows it deleted */
async function inBatches(prune: () => Promise<number>): Promise<void> {
  for (let round = 0; round < MOST_PRUNINGS; round += 1) if ((await prune()) < PRUNED_AT_ONCE) return;
}
