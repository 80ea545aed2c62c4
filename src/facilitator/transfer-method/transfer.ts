import type { Offer } from '../../domain/offer.ts';
import type { Address } from '../../evm/address.ts';
import type { BlockRange, Call, LogSearch, Receipt } from '../chain/chain-facts.ts';
import type { ChainNode } from '../chain/chain-node.ts';
import type { ChainReads } from '../chain/chain-reads.ts';
import type { ChainView, FateTools } from '../chain/chain-view.ts';
import type { EventLog } from '../chain/rpc-answer.ts';
import type { ForeignTransfer } from '../facilitator.ts';
import type { TransferFacts } from './transfer-facts.ts';
import type { VerificationContext } from './verification.ts';
import type { WalletDeployment } from './wallet-deployment.ts';

/** Gas of the settlement that is most common, an authorization signed by a key: its limit, not what it uses. */
export const SETTLEMENT_GAS = 150_000n;

/** A payment as the chain will see it, with all in which one method of moving money differs from others. */
export interface Transfer extends TransferFacts {
  /** The payer's wallet, which is made first where it does not exist; `undefined` where none can be. */
  readonly deployment: WalletDeployment | undefined;
  /** Reasons of failed payments: the specification's own reasons where it has them. */
  readonly reasons: FailureReasons;
  readonly use: TransferUse;
  readonly settling: TransferSettling;
}

/** The reasons by which failures of one method are told. */
export interface FailureReasons {
  /** The call would fail now, for no reason that is known. */
  readonly simulation: string;
  /** The nonce is gone. */
  readonly nonce: string;
  /** The account holds less than the amount. */
  readonly balance: string;
  /** Permit2 may take less than the amount; `undefined` where Permit2 takes no part. */
  readonly allowance: string | undefined;
}

/** What a mined transaction shows of a payment. `unclear`: neither of the others can be excluded. */
export type Verdict = 'proved' | 'absent' | 'unclear';

/** How the chain shows that a signed transfer was used, and for what. */
export interface TransferUse {
  /** Unix seconds after which no block can hold the transfer. */
  readonly lastSecond: bigint;
  /** Whether events name the nonce that was taken. Where they do not, other transfers prove nothing about this one. */
  readonly namesNonce: boolean;
  /**
   * Whether the nonce is gone, now or after a block: used for this or another transfer, or cancelled. A nonce that is
   * gone proves no payment; a nonce that is not gone proves that none was made.
   */
  nonceIsGone(reads: ChainReads, signal?: AbortSignal, block?: bigint): Promise<boolean | undefined>;
  /** The transactions that may hold the transfer. */
  candidates(node: ChainNode, range: BlockRange, signal: AbortSignal | undefined): Promise<LogSearch>;
  /**
   * Whether the asset's events of a transaction that succeeded show this very transfer. Where events do not name the
   * nonce, the caller must know that the transaction used this one.
   */
  isIn(events: readonly EventLog[]): boolean;
  /**
   * Whether a transaction of somebody else, whose events show this very transfer, made it with this nonce.
   *
   * @throws GatewayError when the node cannot tell
   */
  judge(receipt: Receipt, view: ChainView, signal?: AbortSignal): Promise<Verdict>;
  /**
   * Looks for a transfer that somebody else made with the buyer's authorization.
   *
   * @param maxTimeoutSeconds how long the offer holds
   * @throws GatewayError when the node cannot be asked
   */
  findForeign(maxTimeoutSeconds: number, tools: FateTools, signal: AbortSignal): Promise<ForeignTransfer>;
}

/** How a signed transfer is checked and sent by an account of ours. */
export interface TransferSettling {
  /** Whether it may be sent in one transaction with others, through Multicall3. */
  readonly mayShare: boolean;
  /**
   * The one call that moves the payment's money, simulated and sent alike. It goes to the asset of our own offer or to
   * the x402 proxy, never to an address of the payload.
   */
  call(): Call;
  /**
   * The reason why what was signed does not pay our offer at `now` (Unix seconds), without looking at the chain.
   *
   * @param sender the account that will send the settlement
   */
  findSignedProblem(now: number, sender: Address): string | undefined;
  /**
   * Checks the transfer against the offer and the chain, in the order and with the reasons of the specification;
   * `undefined` when it can be settled now.
   *
   * @param now Unix seconds
   */
  findProblem(offer: Offer, now: number, context: VerificationContext): Promise<string | undefined>;
}
