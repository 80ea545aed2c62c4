import type { Network } from './network.ts';

/** What the account that pays for settlements on one network holds, and what a settlement costs there now. */
export interface SettlerFunds {
  /** The network's own coin on the account, in wei. */
  readonly coins: bigint;
  /** What the chain asks for now, tip included, in wei per gas. */
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
