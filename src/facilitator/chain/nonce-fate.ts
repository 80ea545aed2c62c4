import type { SettlementOutcome } from '../../domain/settlement.ts';
import type { Hex } from '../../evm/address.ts';
import { claimTime } from '../claim-time.ts';
import type { Transfer } from '../transfer-method/transfer.ts';
import { blockBefore } from './block-search.ts';
import type { Block, Receipt } from './chain-facts.ts';
import type { ChainNode } from './chain-node.ts';
import { pending, settledWith } from './chain-outcome.ts';
import type { ChainReads } from './chain-reads.ts';
import type { FateTools } from './chain-view.ts';
import { type Findings, searchTransfer } from './transfer-search.ts';

/**
 * How long before a payment was claimed its transfer may have been mined, in seconds: chains' clocks and ours differ.
 * A transfer from well before is no payment for this request: serving it would be a replay.
 */
const SEARCH_MARGIN_SECONDS = 120;

/** How old a node's newest block may be before the node counts as fallen behind, in seconds. */
const MAX_LAG_SECONDS = 120;

/** Least depth of the block that proves the end of an authorization, in blocks, itself included. */
const END_DEPTH = 5n;

/** Depth at which every node has the state, in blocks: without an archive it keeps 128. */
const MAX_DEPTH = 64n;

/** What became of a transfer's nonce. */
export type NonceFate =
  /** One mined and confirmed transaction holds the use of the authorization and exactly the transfer. */
  | { readonly kind: 'paid'; readonly receipt: Receipt }
  /** Such a transaction is mined, but not confirmed yet. */
  | { readonly kind: 'unconfirmed'; readonly receipt: Receipt }
  /** The nonce was cancelled or used for something else: it never paid this payment, and never will. */
  | { readonly kind: 'spent' }
  /** The nonce was not used up to `head`, and the authorization has expired: it can never be used. */
  | { readonly kind: 'expired' }
  /** The nonce was not used up to `head`; `fresh` says whether `head` is recent. */
  | { readonly kind: 'unused'; readonly head: Block; readonly fresh: boolean }
  /** The node cannot tell. */
  | { readonly kind: 'unclear' };

/**
 * Finds out what became of a transfer's nonce since a payment was claimed.
 *
 * All questions are about one block: otherwise answers of several nodes behind one address could combine into a state
 * that never existed. A nonce that is gone proves nothing. Only the transfer itself proves the payment. Two things
 * prove that there was no transfer: the event that took the nonce instead, or a search of all blocks that can hold the
 * transfer, where the nonce has been gone for a while.
 *
 * @param since Unix milliseconds of the claim
 * @throws GatewayError when the node cannot be asked
 */
export async function findFate(
  transfer: Transfer,
  since: number,
  tools: FateTools,
  signal?: AbortSignal,
): Promise<NonceFate> {
  const { node, reads, confirmations, clock } = tools;
  const head = await node.block('latest', signal);
  // Also needed for a nonce that is gone: the search starts at a block time that is chosen by our clock.
  const fresh = clock() / 1000 - head.timestamp <= MAX_LAG_SECONDS;
  const gone = await transfer.use.nonceIsGone(reads, signal, head.number);
  if (gone === undefined) return { kind: 'unclear' };
  if (!gone)
    return (await isOver(transfer, head, tools, signal)) ? { kind: 'expired' } : { kind: 'unused', head, fresh };
  const findings = await searchSince(transfer, since, head, tools, signal);
  switch (findings.kind) {
    case 'unclear':
      return findings;
    case 'proof': {
      const { receipt } = findings;
      return { kind: isConfirmed(receipt, head, confirmations) ? 'paid' : 'unconfirmed', receipt };
    }
    case 'none': {
      // A claim in the future: our clock was put back since, and the search may have begun too late.
      if (!findings.elsewhere && (!fresh || since > clock())) return { kind: 'unclear' };
      // A reorganisation may still undo the transaction that took the nonce, together with its block.
      const shown = deepBlock(head, BigInt(confirmations));
      const firm = findings.elsewhere ? shown : earlier(shown, await blockSeenByAll(head, node, signal));
      const stays = firm === head.number || (await wasGone(transfer, firm, head, reads, signal));
      return { kind: stays ? 'spent' : 'unclear' };
    }
  }
}

/**
 * What the fate of a transfer's nonce means for its payment; decided only here. `undefined` where the nonce is unused:
 * then the outcome depends on what was sent, and by whom.
 *
 * @param ours our own transaction, which may decide the payment where the chain does not tell yet
 */
export function outcomeOfFate(transfer: Transfer, fate: NonceFate, ours?: Hex): SettlementOutcome | undefined {
  switch (fate.kind) {
    case 'paid':
      return settledWith(transfer, fate.receipt.transaction);
    case 'unconfirmed':
      return pending(fate.receipt.transaction);
    case 'spent':
      return { kind: 'failed', reason: transfer.reasons.nonce };
    case 'expired':
      return { kind: 'failed', reason: 'settlement_expired' };
    case 'unclear':
      return pending(ours);
    case 'unused':
      return fate.fresh ? undefined : pending(ours, 'chain_node_behind');
  }
}

/** Whether a mined transaction has as many blocks as it needs to count, itself included. */
export function isConfirmed({ block }: Receipt, head: Block, confirmations: number): boolean {
  return head.number - block + 1n >= BigInt(confirmations);
}

/** Number of a block below the head that no reorganisation is expected to undo. */
export function firmBlock(head: Block, confirmations: number): bigint {
  const depth = BigInt(confirmations);
  return deepBlock(head, depth > END_DEPTH ? depth : END_DEPTH);
}

function deepBlock(head: Block, depth: bigint): bigint {
  const back = (depth < MAX_DEPTH ? depth : MAX_DEPTH) - 1n;
  return head.number > back ? head.number - back : 0n;
}

/**
 * A block that each of several nodes behind one address has: a node that lags further counts as fallen behind. Some
 * providers ask several nodes even for the calls of one exchange. Then the newest block is one node's, and the empty
 * list of events that of another, which has not seen the transfer. Only of a nonce that was gone before that does an
 * empty list say anything.
 */
async function blockSeenByAll(head: Block, node: ChainNode, signal?: AbortSignal): Promise<bigint> {
  return await blockBefore(node, head, head.timestamp - MAX_LAG_SECONDS, 1n, signal);
}

/**
 * Whether a nonce was gone after a block. Chains with many blocks a second have left their states behind by then, where
 * the node has no archive: there the oldest state counts that all nodes keep.
 */
async function wasGone(
  { use }: Transfer,
  block: bigint,
  head: Block,
  reads: ChainReads,
  signal?: AbortSignal,
): Promise<boolean> {
  const kept = deepBlock(head, MAX_DEPTH);
  const gone = await use.nonceIsGone(reads, signal, block).catch((thrown: unknown) => {
    // Nodes word and number it as they like that a state is gone. One that is away does not tell the other state, either.
    if (block < kept) return undefined;
    throw thrown;
  });
  return (gone === undefined && block < kept ? await use.nonceIsGone(reads, signal, kept) : gone) === true;
}

function earlier(one: bigint, other: bigint): bigint {
  return one < other ? one : other;
}

/** Whether the authorization has expired by the chain's own clock, in a block that is deep enough to stay. */
async function isOver(
  { use }: Transfer,
  head: Block,
  { node, confirmations }: FateTools,
  signal?: AbortSignal,
): Promise<boolean> {
  const end = use.lastSecond;
  if (BigInt(head.timestamp) <= end) return false;
  return BigInt((await node.block(firmBlock(head, confirmations), signal)).timestamp) > end;
}

async function searchSince(
  transfer: Transfer,
  since: number,
  head: Block,
  { clock, ...view }: FateTools,
  signal?: AbortSignal,
): Promise<Findings> {
  const claimed = claimTime(since, clock(), head.timestamp);
  const name = `${transfer.digest} ${transfer.amount} ${since}`;
  return await searchTransfer({ ...view, transfer, head, signal }, claimed - SEARCH_MARGIN_SECONDS, name);
}
