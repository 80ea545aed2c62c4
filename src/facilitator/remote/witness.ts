import type { Amount } from '../../domain/amount.ts';
import type { Network } from '../../domain/network.ts';
import type { Payment } from '../../domain/payment.ts';
import type { SettlementOutcome } from '../../domain/settlement.ts';
import type { ForeignTransfer, OpenSettlement } from '../facilitator.ts';

/**
 * Who sees for himself what a remote facilitator says of settlements on one chain. Apart from what implements it, which
 * brings a chain's client along: where no node is configured, none is loaded.
 */
export interface Witness {
  /** Least time between two looks at a node that others use too, in milliseconds. */
  readonly paceMs: number;
  /**
   * Checks what a facilitator said of a settlement that it was asked for just now: a success counts when its transaction
   * is the proof, a failure while the chain does not show the contrary. Never throws: while the chain cannot be asked, a
   * success is `unknown`, and a failure stays what it is, as it does where there is no node.
   *
   * @param asked what was asked for, and how
   */
  confirm(payment: Payment, said: SettlementOutcome, asked: AskedSettlement): Promise<SettlementOutcome>;
  /**
   * What the chain shows of an open settlement.
   *
   * @throws GatewayError when the node cannot be asked
   */
  resolve(open: OpenSettlement, signal: AbortSignal): Promise<Sight>;
  /**
   * Looks for the payment's transfer, made by somebody else, see `Facilitator.findForeign`.
   *
   * @throws GatewayError when the node cannot be asked
   */
  findForeign(payment: Payment, signal: AbortSignal): Promise<ForeignTransfer>;
}

/** A settlement that a facilitator was asked for just now. */
export interface AskedSettlement {
  readonly amount: Amount;
  /** Longest wait for its transaction, in milliseconds. */
  readonly patienceMs: number;
  /**
   * Unix milliseconds before which a transfer belongs to another purchase; `undefined` where the authorization was
   * verified, and so unused, a moment ago.
   */
  readonly notBefore: number | undefined;
}

/** What a witness sees of an open settlement. */
export type Sight =
  | { readonly kind: 'outcome'; readonly outcome: SettlementOutcome }
  /** Nobody has used the authorization up to now, and it can still be used. */
  | { readonly kind: 'unused' };

/**
 * Opens a witness of a network at a JSON-RPC URL, which is not asked yet.
 *
 * @param clock Unix milliseconds
 * @param proxy through which the node is asked
 */
export type OpenWitness = (network: Network, url: string, clock: () => number, proxy?: string) => Witness;
