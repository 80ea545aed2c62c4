/** An EVM address. */
export type Address = `0x${string}`;

/** Chain id of Base Sepolia, whose place the development chain takes. */
export const DEVNET_CHAIN_ID = 84532;

/** Circle's USDC on Base Sepolia: official clients know the asset by this address. */
export const USDC: Address = '0x036CbD53842c5426634e7929541eC2318f3dCF7e';

/** Permit2, at the address that it has on every chain. */
export const PERMIT2: Address = '0x000000000022D473030F116dDEE9F6B43aC78BA3';

/** Multicall3, at the address that it has on every chain. */
export const MULTICALL3: Address = '0xcA11bde05977b3631167028862bE2a173976CA11';

/** The spender of x402 `exact` payments through Permit2, at the address that it has on every chain. */
export const EXACT_PERMIT2_PROXY: Address = '0x402085c248EeA27D92E8b30b2C58ed07f9E20001';

/** Our own contracts that need neither constructor nor storage, with their names in `config/contracts`. */
export const OWN_CONTRACTS: readonly { readonly name: string; readonly address: Address }[] = [
  { name: 'TestUsdc', address: USDC },
  { name: 'ExactPermit2Proxy', address: EXACT_PERMIT2_PROXY },
  // The spender of x402 `upto` payments through Permit2, at the address that it has on every chain.
  { name: 'UptoPermit2Proxy', address: '0x4020A4f3b7b90ccA423B9fabCc0CE57C6C240002' },
];
