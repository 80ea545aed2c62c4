import type { Address } from './address.ts';

/** Uniswap's Permit2, at the same address on every chain. */
export const PERMIT2 = '0x000000000022d473030f116ddee9f6b43ac78ba3' as Address;

/** The x402 proxy that alone may use an `exact` permit: it sends the tokens to the witnessed recipient only. */
export const EXACT_PERMIT2_PROXY = '0x402085c248eea27d92e8b30b2c58ed07f9e20001' as Address;

/** Multicall3, at the same address on every chain. */
export const MULTICALL3 = '0xca11bde05977b3631167028862be2a173976ca11' as Address;
