import type { SchemeNetworkClient } from '@x402/core/types';

/** An account on the chains of a family other than EVM. */
export interface OtherWallet {
  /** The CAIP-2 namespace, such as `solana`. */
  readonly family: string;
  readonly address: string;
  /** Signs offers of the scheme `exact`, with the official client's code. */
  readonly scheme: SchemeNetworkClient;
}
