import type { Network } from './network.ts';

/** How an asset moves on a signed authorization. */
export type TransferMethod = 'eip3009' | 'permit2';

/** What every token has. */
interface Token {
  readonly network: Network;
  /** The contract or mint, as the price table or the asset table spells it. */
  readonly address: string;
  readonly symbol: string;
  /** Digits after the point of one whole unit. */
  readonly decimals: number;
}

/** A token of a family whose payments are signed as EIP-712 typed data. */
export interface TypedDataToken extends Token {
  /** EIP-712 domain `name` and `version` of the contract. Every signature covers them. */
  readonly name: string;
  readonly version: string;
  readonly transferMethod: TransferMethod;
}

/** A token of any other family. */
export interface PlainToken extends Token {
  readonly name?: undefined;
  readonly version?: undefined;
  readonly transferMethod?: undefined;
}

/** A token that a route can be paid in. */
export type Asset = TypedDataToken | PlainToken;

/** A network as the asset table knows it: its names and its assets. `$` prices mean the first asset. */
export interface KnownNetwork {
  readonly network: Network;
  /** The name used in configuration and by x402 v1: `base`. */
  readonly name: string;
  /** Whether x402 v1 clients know the network by `name`. */
  readonly v1: boolean;
  readonly testnet: boolean;
  /** A JSON-RPC node for the public, within limits; for EVM that of viem's chain table. */
  readonly publicNode?: string;
  /** Where people look transactions up; for EVM that of viem's chain table. */
  readonly explorer?: string;
  readonly assets: readonly Asset[];
}
