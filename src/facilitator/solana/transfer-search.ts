import type { FoundTransaction } from './found-transaction.ts';
import { compare, type Likeness, type SignedTransfer } from './signed-transfer.ts';
import { type Listed, PAGE, type SolanaNode } from './solana-node.ts';

/**
 * How long before a payment was claimed its transaction may have been mined, in seconds: the chain's clock and ours
 * differ. One from well before is no payment for this request.
 */
const SEARCH_MARGIN_SECONDS = 120;

/** Pages of a buyer's transactions that are read in one search: five thousand, in some minutes. */
const MOST_PAGES = 5;

/** Transactions that are looked at in one search. Buyers whose clients add a memo have one that fits. */
const MOST_LOOKED_AT = 50;

/** The result of a search. */
export type SearchResult =
  | {
      readonly kind: 'found';
      readonly likeness: Exclude<Likeness, 'other'>;
      readonly transaction: FoundTransaction;
      readonly finalized: boolean;
    }
  /** It is in no block that is as old as the slot that was asked for, or older. */
  | { readonly kind: 'none' }
  /** There was too much to look at, or what is listed cannot be looked at. */
  | { readonly kind: 'unclear' };

/**
 * Looks for a payment's transaction among those of the buyer's token account. The name of the transaction is the
 * facilitator's signature, which we do not know unless the facilitator states it.
 *
 * @param since Unix milliseconds of the claim
 * @param slot a slot that the node must have seen
 * @throws GatewayError when the node cannot be asked
 */
export async function searchTransfer(
  node: SolanaNode,
  transfer: SignedTransfer,
  since: number,
  slot: number,
  signal?: AbortSignal,
): Promise<SearchResult> {
  const from = since / 1000 - SEARCH_MARGIN_SECONDS;
  let [before, looks]: [string | undefined, number] = [undefined, 0];
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const listed = await node.listed(transfer.source, slot, before, signal);
    const candidates = listed.filter((one) => isCandidate(one, transfer, from));
    looks += candidates.length;
    if (looks > MOST_LOOKED_AT) return { kind: 'unclear' };
    for (const candidate of candidates) {
      const seen = await lookAt(node, transfer, candidate, signal);
      if (seen !== undefined) return seen;
    }
    const last = listed.at(-1);
    if (last === undefined || listed.length < PAGE || isOlder(last, from)) return { kind: 'none' };
    before = last.signature;
  }
  return { kind: 'unclear' };
}

/** `undefined` for another transaction. */
async function lookAt(
  node: SolanaNode,
  transfer: SignedTransfer,
  { signature, finalized }: Listed,
  signal: AbortSignal | undefined,
): Promise<SearchResult | undefined> {
  const transaction = await node.transaction(signature, signal);
  // The node lists the transaction but does not show it, so it may be the payment's.
  if (transaction === undefined) return { kind: 'unclear' };
  const likeness = compare(transfer, transaction);
  return likeness === 'other' ? undefined : { kind: 'found', likeness, transaction, finalized };
}

function isCandidate(listed: Listed, { memo }: SignedTransfer, from: number): boolean {
  if (isOlder(listed, from)) return false;
  return memo === undefined || listed.memo === undefined || listed.memo.includes(memo);
}

function isOlder({ minedAt }: Listed, from: number): boolean {
  return minedAt !== undefined && minedAt < from;
}
