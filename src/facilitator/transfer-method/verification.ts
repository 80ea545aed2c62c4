import type { Address } from '../../evm/address.ts';
import type { ChainNode } from '../chain/chain-node.ts';
import type { ChainReads } from '../chain/chain-reads.ts';
import type { TransferFacts } from './transfer-facts.ts';

/**
 * Seconds for which an authorization must stay valid: a block or two until it is mined. Same as the official
 * facilitator.
 */
export const SETTLEMENT_MARGIN_SECONDS = 6n;

/** The chain, and the facts that verification needs. */
export interface VerificationContext {
  readonly node: ChainNode;
  readonly reads: ChainReads;
  /** The account that will send the settlement: simulations run in its name. */
  readonly sender: Address;
  /** ERC-6492 factories that may be called. */
  readonly factories: ReadonlySet<string>;
  readonly signal?: AbortSignal;
}

/** Whether the payer's account, which has code, accepts the signature. */
export async function accountAccepts(
  { payer, digest, signature }: TransferFacts,
  { reads, signal }: VerificationContext,
): Promise<boolean> {
  return await reads.accountAccepts(payer, digest, signature, signal);
}
