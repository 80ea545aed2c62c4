import type { SettlementOutcome } from '../../domain/settlement.ts';
import { claimTime } from '../claim-time.ts';
import type { SignedTransfer } from './signed-transfer.ts';
import type { SolanaNode } from './solana-node.ts';
import type { ChainTime } from './sysvar-clock.ts';
import { type SearchResult, searchTransfer } from './transfer-search.ts';

/**
 * How long after its claim a payment can be given up, in seconds by the chain's clock. A blockhash ends after 150
 * blocks, about a minute and a half; the rest is for clocks that differ, and for nodes that list a transaction late.
 */
const GIVEN_UP_AFTER_SECONDS = 180;

/** How old the chain's time may be before the node counts as fallen behind, in seconds. */
const MAX_LAG_SECONDS = 120;

/** What became of a payment's transaction. */
export type Fate =
  | Extract<SearchResult, { kind: 'found' | 'unclear' }>
  /** It is in no block, and no block can hold it any more. */
  | { readonly kind: 'expired' }
  /** It is in no block up to now. `open`: one can still hold it. */
  | { readonly kind: 'unseen'; readonly open: boolean; readonly fresh: boolean };

/** The parts that finding a fate needs. */
export interface FateTools {
  readonly node: SolanaNode;
  /** Unix milliseconds. */
  readonly clock: () => number;
}

/**
 * Finds out what became of a payment's transaction since it was claimed.
 *
 * | asked, in this order | why |
 * |---|---|
 * | the finalized slot S and its time T | what is asked next must be as new as this, or the node refuses |
 * | whether a block on top of the newest and of a finalized block at S or later can hold the blockhash | where neither can, no later block holds the transaction |
 * | the buyer's transactions up to S or later | whatever held it is in this list |
 *
 * An unknown blockhash has ended, or is too new for this node. It existed when the payment was claimed, so it must have
 * ended once T is three minutes after the claim. Only then is the payment given up.
 *
 * @param since Unix milliseconds of the claim
 * @throws GatewayError when the node cannot be asked
 */
export async function findFate(
  transfer: SignedTransfer,
  since: number,
  { node, clock }: FateTools,
  signal?: AbortSignal,
): Promise<Fate> {
  const time = await node.time(signal);
  const open = await isOpen(node, transfer, time, signal);
  const now = clock();
  const claimed = claimTime(since, now, time.seconds);
  const result = await searchTransfer(node, transfer, claimed * 1000, time.slot, signal);
  if (result.kind !== 'none') return result;
  // After a claim in the future, it is not known how long ago it was.
  const isLate = since <= now && time.seconds >= since / 1000 + GIVEN_UP_AFTER_SECONDS;
  if (!open && isLate) return { kind: 'expired' };
  return { kind: 'unseen', open, fresh: clock() / 1000 - time.seconds <= MAX_LAG_SECONDS };
}

/**
 * What a transaction's fate means for its payment; decided only here. `undefined` where a block can still hold the
 * transaction: then the facilitator may get the same request once more.
 */
export function outcomeOfFate(transfer: SignedTransfer, fate: Fate): SettlementOutcome | undefined {
  switch (fate.kind) {
    case 'found':
      return outcomeOfFound(transfer, fate);
    case 'expired':
      return { kind: 'failed', reason: 'settlement_expired' };
    case 'unclear':
      return pending();
    case 'unseen':
      if (!fate.fresh) return pending(undefined, 'chain_node_behind');
      return fate.open ? undefined : pending();
  }
}

/** A transaction is proof when its block is finalized: until then another block may take its place. */
function outcomeOfFound(
  { payer, amount }: SignedTransfer,
  { transaction: { signature: transaction }, likeness, finalized }: Extract<Fate, { kind: 'found' }>,
): SettlementOutcome {
  if (!finalized) return pending(transaction);
  switch (likeness) {
    case 'paid':
      return { kind: 'settled', settlement: { transaction, payer, amount } };
    case 'failed':
      return { kind: 'failed', reason: 'invalid_exact_svm_transaction_failed', transaction };
    case 'odd':
      // Money moved: with another offer the buyer would pay twice.
      return pending(transaction, 'settlement_amount_mismatch');
  }
}

/** The outcome is not known yet; `transaction` is the one that may decide it. */
export function pending(transaction?: string, reason = 'settlement_pending'): SettlementOutcome {
  return { kind: 'unknown', reason, ...(transaction === undefined ? {} : { transaction }) };
}

async function isOpen(
  node: SolanaNode,
  { blockhash }: SignedTransfer,
  { slot }: ChainTime,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const [newest, finalized] = await Promise.all([
    node.isBlockhashValid(blockhash, 'processed', slot, signal),
    node.isBlockhashValid(blockhash, 'finalized', slot, signal),
  ]);
  return newest || finalized;
}
