import { DEFAULT_ASSETS, DEVNET_RPC_URL, MAINNET_RPC_URL } from '@x402/svm';

/** One network of the table. */
interface Row {
  readonly network: string;
  readonly name: string;
  readonly v1: false;
  readonly testnet: boolean;
  readonly publicNode?: string;
  readonly explorer?: string;
  readonly assets: readonly { readonly symbol: string; readonly address: string; readonly decimals: number }[];
}

const SOLANA = {
  'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp': { name: 'solana', publicNode: MAINNET_RPC_URL },
  'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1': { name: 'solana-devnet', publicNode: DEVNET_RPC_URL },
} as const;

/**
 * Networks of families whose packages are not among the dependencies, as these state them: `@x402/stellar` 2.9.0
 * (`constants.ts`), `@x402/avm` 2.26.0 (`defaultAssets.ts`), and of Hedera and Aptos the x402 documentation.
 */
const OTHERS: readonly Row[] = [
  row('algorand:wGHE2Pwdvd7S12BL5FaOP20EGYesN73k', 'algorand', false, usdc('31566704', 6)),
  row('algorand:SGO1GKSzyE7IEPItTxCByw9x8FmnrCDe', 'algorand-testnet', true, usdc('10458941', 6)),
  row('aptos:1', 'aptos', false, []),
  row('aptos:2', 'aptos-testnet', true, []),
  row('hedera:mainnet', 'hedera', false, usdc('0.0.456858', 6)),
  row('hedera:testnet', 'hedera-testnet', true, []),
  row('stellar:pubnet', 'stellar', false, usdc('CCW67TSZV3SSS2HXMBQ5JFGCKJNXKZM7UQUWUZPUTHXSTZLEO7SJMI75', 7)),
  row('stellar:testnet', 'stellar-testnet', true, usdc('CBIELTK6YBZJU5UP2WWQEUCYKLPU6AUNZ2BQ4WWFEIE3USCIHMXQDAMA', 7)),
];

/** The networks of the table that are no EVM chains. */
export function otherFamilies(): readonly Row[] {
  const solana = Object.entries(SOLANA).map(([network, { name, publicNode }]): Row => {
    const assets = (DEFAULT_ASSETS[network as keyof typeof DEFAULT_ASSETS] ?? []).map(({ symbol, asset, decimals }) => {
      return { symbol, address: asset, decimals };
    });
    const testnet = name !== 'solana';
    const explorer = testnet ? {} : { explorer: 'https://solscan.io' };
    return { network, name, v1: false, testnet, publicNode, ...explorer, assets };
  });
  return [...solana, ...OTHERS];
}

function row(network: string, name: string, testnet: boolean, assets: Row['assets']): Row {
  return { network, name, v1: false, testnet, assets };
}

function usdc(address: string, decimals: number): Row['assets'] {
  return [{ symbol: 'USDC', address, decimals }];
}
