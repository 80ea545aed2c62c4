import type { Network } from './network.ts';

/** The funds of the account that pays for settlements on one network, and the price of gas there. */
export interface SettlerFunds {
  /** The network's own coin on the account, in wei. */
  readonly coins: bigint;
  /** The chain's current price, tip included, in wei per gas. */
  readonly gasPrice: bigint;
  /** The configured limit, in wei per gas. Settlements wait above it. */
  readonly gasPriceLimit: bigint;
  /** How many settlements the account still pays for at this price. */
  readonly settlements: bigint;
}

/** One look at a settling account; `funds` is `undefined` where the network's node did not say. */
export interface SettlerReading {
  readonly network: Network;
  readonly funds: SettlerFunds | undefined;
}
