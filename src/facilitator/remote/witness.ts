import type { Amount } from '../../domain/amount.ts';
import type { Network } from '../../domain/network.ts';
import type { Payment } from '../../domain/payment.ts';
import type { SettlementOutcome } from '../../domain/settlement.ts';
import type { Hex } from '../../evm/address.ts';
import type { ForeignTransfer, OpenSettlement } from '../facilitator.ts';
import type { AskedAt } from './asked-at.ts';

/**
 * Checks on one chain what a remote facilitator says about settlements. The interface has its own file because the
 * implementations import a chain's client: where no node is configured, no client is loaded.
 */
export interface Witness {
  /** Least time between two looks at a node that others use too, in milliseconds. */
  readonly paceMs: number;
  /**
   * The CAIP-2 name of the chain that the node says it serves.
   *
   * @throws Error when the node cannot be asked
   */
  servedChain(signal: AbortSignal): Promise<string>;
  /**
   * Checks a facilitator's answer to a request to settle. A success counts when its transaction proves the transfer, a
   * failure while the chain does not show the contrary. Never throws: while the chain cannot be asked, a success is
   * `unknown`, and a failure stands, as it does where there is no node.
   *
   * @param asked the request to settle
   */
  confirm(payment: Payment, said: SettlementOutcome, asked: AskedSettlement): Promise<SettlementOutcome>;
  /**
   * What the chain shows of an open settlement.
   *
   * @throws GatewayError when the node cannot be asked
   */
  resolve(open: DoubtfulSettlement, signal: AbortSignal): Promise<Sight>;
  /**
   * Looks for the payment's transfer, made by somebody else, see `Facilitator.findForeign`.
   *
   * @throws GatewayError when the node cannot be asked
   */
  findForeign(payment: Payment, signal: AbortSignal): Promise<ForeignTransfer>;
  /**
   * The newest block. Absent where no payment is asked for without a verification.
   *
   * @throws GatewayError when the node cannot be asked
   */
  newest?(signal: AbortSignal): Promise<NewestBlock>;
  /**
   * What keeps every payment of an asset from arriving at a payee, for operators; `undefined` where nothing is known to.
   * Absent where payees need nothing.
   *
   * @throws GatewayError when the node cannot be asked
   */
  payeeProblem?(payTo: string, asset: string, signal: AbortSignal): Promise<string | undefined>;
}

/** The newest block of a chain. */
export interface NewestBlock {
  readonly number: bigint;
  readonly hash: Hex;
  /** Unix seconds, by the chain's own clock. */
  readonly timestamp: number;
}

/** A settlement whose outcome is not known, and when it was asked for where that matters. */
export interface DoubtfulSettlement extends OpenSettlement {
  /** `undefined` where the authorization was verified, and so unused, just before: then a transfer is this payment's. */
  readonly askedAt: AskedAt | undefined;
}

/** A settlement that a facilitator was asked for just now. */
export interface AskedSettlement {
  readonly amount: Amount;
  /** Longest wait for its transaction, in milliseconds. */
  readonly patienceMs: number;
  /** As in {@link DoubtfulSettlement}. */
  readonly askedAt: AskedAt | undefined;
}

/** What a witness sees of an open settlement. */
export type Sight =
  | { readonly kind: 'outcome'; readonly outcome: SettlementOutcome }
  /** The authorization has not been used up to now, and it can still be used. */
  | { readonly kind: 'unused' };

/**
 * Opens a witness of a network at a JSON-RPC URL, which is not asked yet.
 *
 * @param clock Unix milliseconds
 * @param proxy through which the node is asked
 */
export type OpenWitness = (network: Network, url: string, clock: () => number, proxy?: string) => Witness;
