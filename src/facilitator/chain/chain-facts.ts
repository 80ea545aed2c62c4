import type { GatewayError } from '../../domain/gateway-error.ts';
import type { Address, Hex } from '../../evm/address.ts';
import type { EventLog } from './rpc-answer.ts';

/** A contract call. `gas` bounds what it may use. */
export interface Call {
  readonly to: Address;
  readonly data: Hex;
  readonly gas: bigint;
}

/** The result of trying a call without sending it. */
export type CallResult = { readonly kind: 'returned'; readonly data: Hex } | { readonly kind: 'reverted' };

/** The result of measuring a call; `gas` is what it would use now. */
export type EstimateResult = { readonly kind: 'estimated'; readonly gas: bigint } | { readonly kind: 'reverted' };

/** What a mined transaction did. */
export interface Receipt {
  readonly transaction: Hex;
  readonly block: bigint;
  readonly succeeded: boolean;
  readonly logs: readonly EventLog[];
}

/** A block, as far as time matters. */
export interface Block {
  readonly number: bigint;
  /** Unix seconds, by the chain's own clock. */
  readonly timestamp: number;
}

/** A range of blocks, both ends included. */
export interface BlockRange {
  readonly from: bigint;
  readonly to: bigint;
}

/** A transaction that may hold a payment's transfer. */
export interface Candidate {
  readonly transaction: Hex;
  readonly block: bigint;
}

/** What a node answers about the events in a range of blocks. */
export type LogSearch =
  /** The transactions that hold them, each once, the oldest first. */
  | { readonly kind: 'found'; readonly candidates: readonly Candidate[] }
  /** The node has not seen the end of the range yet. */
  | { readonly kind: 'behind' }
  /** The node answers, but not for this range: it takes fewer blocks, or finds too much in them. */
  | { readonly kind: 'refused'; readonly fault: GatewayError };

/** Fee facts of the newest block, in wei per gas. */
export interface FeeState {
  readonly baseFee: bigint;
  readonly gasPrice: bigint;
}
