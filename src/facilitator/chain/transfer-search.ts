import type { Transfer } from '../transfer-method/transfer.ts';
import { blockBefore } from './block-search.ts';
import type { Block, Candidate, Receipt } from './chain-facts.ts';
import type { ChainView } from './chain-view.ts';
import { provesForeignTransfer } from './proof.ts';

/**
 * Most searches for events in one look. A payment is valid for minutes only, which fit into one or two ranges of most
 * nodes. Some plans of providers allow 10 blocks or fewer at once.
 */
const MAX_RANGES = 100;

/** Most transactions that one look reads. Only a payer with many equal payments at once has more than one. */
const MAX_CANDIDATES = 100;

/** What a search for a transfer found. */
export type Findings =
  | { readonly kind: 'proof'; readonly receipt: Receipt }
  /** The transfer is not there. `elsewhere`: another transaction there took the nonce. */
  | { readonly kind: 'none'; readonly elsewhere: boolean }
  /** The node cannot tell, or there is more to look at: the next search goes on from there. */
  | { readonly kind: 'unclear' };

/** The blocks to search, with what they are searched for. */
interface Search extends ChainView {
  readonly transfer: Transfer;
  readonly head: Block;
  readonly signal: AbortSignal | undefined;
}

/**
 * Looks for a transaction of any sender that made this very transfer, from a time on. A look asks a bounded number of
 * questions; the next one with the same `since` goes on where it stopped, so that the search ends however few blocks the
 * node takes at once, and however many equal transfers there are.
 *
 * @param since Unix seconds by the chain's clock; the same at each look, but for how far the clocks differ
 * @param name of the search, the same at each look
 * @throws GatewayError when the node cannot be asked
 */
export async function searchTransfer(search: Search, since: number, name: string): Promise<Findings> {
  const { node, head, signal, transfer } = search;
  const memory = node.searches;
  const stop = memory.stopOf(name);
  let from = stop?.from ?? (await blockBefore(node, head, since, memory.span, signal));
  let unclear = stop?.unclear ?? false;
  let read = 0;
  for (let asked = 0; asked < MAX_RANGES && read < MAX_CANDIDATES; asked += 1) {
    const range = memory.rangeFrom(from, head);
    const found = await transfer.use.candidates(node, range, signal);
    if (found.kind === 'behind') return { kind: 'unclear' };
    if (found.kind === 'refused') {
      if (!memory.refused(range)) throw found.fault;
      continue;
    }
    memory.took(range);
    const judged = await judge(search, found.candidates, MAX_CANDIDATES - read);
    if (judged.kind === 'proof') {
      memory.ended(name);
      return judged;
    }
    read += judged.read;
    unclear ||= judged.unclear;
    const to = judged.upTo ?? range.to;
    const elsewhere = transfer.use.namesNonce && judged.read > 0;
    if (elsewhere || to === head.number || (await isOver(search, to))) {
      memory.ended(name);
      return unclear ? { kind: 'unclear' } : { kind: 'none', elsewhere };
    }
    from = to + 1n;
    memory.stopAt(name, { from, unclear }, head);
  }
  return { kind: 'unclear' };
}

/** What a range's transactions show. `upTo`: the last block that was judged, where there were too many. */
type Judged =
  | { readonly kind: 'proof'; readonly receipt: Receipt }
  | {
      readonly kind: 'read';
      readonly read: number;
      readonly unclear: boolean;
      readonly upTo: bigint | undefined;
    };

/** Judges transactions, the oldest first, and whole blocks at a time: the next look goes on with the block after. */
async function judge(
  { transfer, signal, ...view }: Search,
  candidates: readonly Candidate[],
  most: number,
): Promise<Judged> {
  let read = 0;
  let unclear = false;
  let last: bigint | undefined;
  for (const { transaction, block } of candidates) {
    if (read >= most && block !== last) return { kind: 'read', read, unclear, upTo: last };
    read += 1;
    last = block;
    const receipt = await view.node.receipt(transaction, signal);
    const verdict = receipt === undefined ? 'unclear' : await provesForeignTransfer(transfer, receipt, view, signal);
    if (receipt !== undefined && verdict === 'proved') return { kind: 'proof', receipt };
    if (verdict === 'unclear') unclear = true;
  }
  return { kind: 'read', read, unclear, upTo: undefined };
}

/** Whether in later blocks the chain itself no longer takes the authorization. */
async function isOver({ transfer, node, head, signal }: Search, block: bigint): Promise<boolean> {
  const end = transfer.use.lastSecond;
  return BigInt(head.timestamp) > end && BigInt((await node.block(block, signal)).timestamp) > end;
}
