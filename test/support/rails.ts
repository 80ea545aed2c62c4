/** How a network was tried here, as docs/rails.md says it. */
export type Tried =
  /** The stock clients pay on a local chain, and the official facilitator or the local one settles there. */
  | 'local chain'
  /** The official client's signature, checked here, with a facilitator that agrees. */
  | 'signature'
  /** A payload by the family's own client code, read here for its key, with a facilitator that agrees. */
  | 'client code'
  /** A payload of any form, with a facilitator that agrees. */
  | 'payload';

/** One network that is sold on in tests. */
export interface Rail {
  /** As `accepts` has it. */
  readonly name: string;
  readonly network: string;
  readonly payTo: string;
  /** The long form, where the table has no asset. */
  readonly asset?: string;
  readonly payer: string;
  /** What its transactions are called by. */
  readonly transaction: string;
  readonly tried: Tried;
}

const EVM = {
  payTo: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
  payer: '',
  transaction: `0x${'ab'.repeat(32)}`,
} as const;

function evm(name: string, chainId: number, tried: Tried = 'signature'): Rail {
  return { ...EVM, name, network: `eip155:${chainId}`, tried };
}

const SOLANA = {
  payTo: 'CmpNeggWJ4JaWJeJ8YKN1Zypmk7uvQq3PECGUCAEMbky',
  payer: '',
  transaction: '5'.repeat(88),
} as const;

const STELLAR = {
  payTo: 'GA5ZSEJYB37JRC5AVCIA5MOP4RHTM335X2KGX3IHOJAPP5RE34K4KZVN',
  payer: 'GB5ZSEJYB37JRC5AVCIA5MOP4RHTM335X2KGX3IHOJAPP5RE34K4KZVA',
  transaction: 'ab'.repeat(32),
  tried: 'client code',
} as const;

const ALGORAND = {
  payTo: 'A'.repeat(58),
  payer: 'B'.repeat(58),
  transaction: 'C'.repeat(52),
  tried: 'client code',
} as const;

function other(network: string, address: string): Rail {
  const asset = '{ address: "usdc.token", decimals: 6, symbol: USDC }';
  const named = { name: network, network, asset, payTo: address, payer: `${address}-payer` };
  return { ...named, transaction: 'ab'.repeat(32), tried: 'payload' };
}

/** Networks of every family. */
export const rails: readonly Rail[] = [
  evm('base-sepolia', 84532, 'local chain'),
  evm('base', 8453),
  evm('ethereum', 1),
  evm('polygon', 137),
  evm('arbitrum', 42161),
  evm('avalanche', 43114),
  evm('celo', 42220),
  evm('monad', 143),
  evm('sei', 1329),
  evm('xdc', 50),
  evm('stable', 988),
  evm('abstract', 2741),
  { ...SOLANA, name: 'solana-devnet', network: 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1', tried: 'local chain' },
  { ...SOLANA, name: 'solana', network: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp', tried: 'signature' },
  { ...STELLAR, name: 'stellar', network: 'stellar:pubnet' },
  { ...STELLAR, name: 'stellar-testnet', network: 'stellar:testnet' },
  { ...ALGORAND, name: 'algorand', network: 'algorand:wGHE2Pwdvd7S12BL5FaOP20EGYesN73k' },
  { ...ALGORAND, name: 'algorand-testnet', network: 'algorand:SGO1GKSzyE7IEPItTxCByw9x8FmnrCDe' },
  {
    name: 'aptos',
    network: 'aptos:1',
    asset: `{ address: "0x${'cd'.repeat(32)}", decimals: 6, symbol: USDC }`,
    payTo: `0x${'11'.repeat(32)}`,
    payer: `0x${'22'.repeat(32)}`,
    transaction: `0x${'ab'.repeat(32)}`,
    tried: 'client code',
  },
  {
    name: 'hedera',
    network: 'hedera:mainnet',
    payTo: '0.0.1234',
    payer: '0.0.5678',
    transaction: '0.0.5678@1700000000.000000001',
    tried: 'client code',
  },
  other('near:mainnet', 'alice.near'),
  other('xrpl:0', 'rN7n7otQDd6FczFgLdSqtcsAUxDkw6fzRH'),
  other('cardano:mainnet', 'addr1vx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzers66hrl8'),
  other('tron:0x2b6653dc', 'TNPeeaaFB7K9cmo4uQpcU32zGK8G1NYqeL'),
  other('starknet:SN_MAIN', `0x${'0'.repeat(3)}${'1'.repeat(61)}`),
];
