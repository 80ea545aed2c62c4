import type { Address } from './addresses.ts';

/** An account whose key is known. */
export interface DevnetAccount {
  readonly address: Address;
  /** 32-byte private key. */
  readonly key: `0x${string}`;
}

/**
 * The first accounts of the mnemonic `test test test test test test test test test test test junk`, which every
 * development chain uses. Everybody knows these keys: they must never hold anything on a real chain.
 */
export const DEVNET_ACCOUNTS = {
  /** Sends settlements and pays for gas; has ether. */
  settler: {
    address: '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266',
    key: '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80',
  },
  /** Has test USDC and no ether: a buyer only signs. */
  buyer: {
    address: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
    key: '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d',
  },
  /** Where sellers are paid. */
  payee: {
    address: '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC',
    key: '0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a',
  },
} as const satisfies Record<string, DevnetAccount>;

/**
 * The last account that anvil unlocks. It mints, so that minting never uses a nonce that a settler expects to be free.
 */
export const MINTER: Address = '0xa0Ee7A142d267C1f36714E4a8F75612F20a79720';
