// Writes config/assets.json from the default assets of @x402/evm and @x402/svm, those of other families in
// other-families.ts, and the public nodes of viem's chains: `npm run assets`.
import { writeFileSync } from 'node:fs';
import { DEFAULT_ASSETS } from '@x402/evm';
import { EVM_NETWORK_CHAIN_ID_MAP } from '@x402/evm/v1';
import type { Chain } from 'viem';
import * as viemChains from 'viem/chains';
import { otherFamilies } from './other-families.ts';

/** Names of networks that x402 v1 has no name for. Public names, in the spelling of v1. */
const OTHER_NAMES: Readonly<Record<number, string>> = {
  10: 'optimism',
  50: 'xdc',
  51: 'xdc-apothem',
  480: 'world',
  4801: 'world-sepolia',
  31611: 'mezo-testnet',
  31612: 'mezo',
  36900: 'adi',
  38833: 'igra',
  42161: 'arbitrum',
  72344: 'radius-testnet',
  181228: 'hpp-sepolia',
  190415: 'hpp',
  421614: 'arbitrum-sepolia',
  723487: 'radius',
  11142220: 'celo-sepolia',
};

/** The networks that clients of x402 v1 take (`x402` 1.2.0, `NetworkSchema`); the official v1 map knows more names. */
const V1_CLIENT_NETWORKS = new Set([
  'abstract',
  'abstract-testnet',
  'avalanche',
  'avalanche-fuji',
  'base',
  'base-sepolia',
  'educhain',
  'iotex',
  'peaq',
  'polygon',
  'polygon-amoy',
  'sei',
  'sei-testnet',
  'skale-base-sepolia',
  'story',
]);

/** Assets that only x402 v1 knows: `config` of `x402` 1.2.0, every one with the EIP-712 version "2". */
const V1_ASSETS: Readonly<Record<number, readonly [address: string, name: string]>> = {
  1514: ['0xF1815bd50389c46847f0Bda824eC8da914045D14', 'Bridged USDC'],
  2741: ['0x84a71ccd554cc1b02749b35d22f684cc8ec987e1', 'Bridged USDC'],
  3338: ['0xbbA60da06c2c5424f03f7434542280FCAd453d10', 'USDC'],
  4689: ['0xcdf79194c6c285077a58da47641d4dbe51f63542', 'Bridged USDC'],
  11124: ['0xe4C7fBB0a626ed208021ccabA6Be1566905E2dFc', 'Bridged USDC'],
  41923: ['0x12a272A581feE5577A5dFa371afEB4b2F3a8C2F8', 'Bridged USDC (Stargate)'],
  43113: ['0x5425890298aed601595a70AB815c96711a31Bc65', 'USD Coin'],
  80002: ['0x41E94Eb019C0762f9Bfcf9Fb1E58725BfB0e7582', 'USDC'],
  324705682: ['0x2e08028E3C4c2356572E096d8EF835cD5C6030bD', 'Bridged USDC (SKALE Bridge)'],
};

const TESTNETS = new Set([
  51, 1328, 2201, 4801, 11124, 31611, 43113, 72344, 80002, 84532, 181228, 421614, 11142220, 11155111, 324705682,
]);

/** The table as JSON text: EVM chains in the order of their ids, then the other families. */
export function assetTableJson(): string {
  const v1Names = new Map<number, string>(
    Object.entries(EVM_NETWORK_CHAIN_ID_MAP).map(([name, chainId]) => [chainId, name]),
  );
  const sdkChains = Object.keys(DEFAULT_ASSETS).map((network) => Number(network.replace('eip155:', '')));
  const chains = new Set([...sdkChains, ...v1Names.keys(), ...Object.keys(OTHER_NAMES).map(Number)]);
  const table = [...chains]
    .sort((a, b) => a - b)
    .map((chainId) => {
      const name = v1Names.get(chainId) ?? OTHER_NAMES[chainId];
      if (name === undefined) throw new Error(`Chain ${chainId} has no name yet: add it to OTHER_NAMES.`);
      return {
        network: `eip155:${chainId}`,
        name,
        v1: V1_CLIENT_NETWORKS.has(name),
        testnet: TESTNETS.has(chainId),
        publicNode: publicNodeOf(chainId),
        explorer: explorerOf(chainId),
        assets: assetsOf(chainId),
      };
    });
  return `${JSON.stringify([...table, ...otherFamilies()], null, 2)}\n`;
}

function publicNodeOf(chainId: number): string | undefined {
  return Object.values(viemChains).find(({ id }) => id === chainId)?.rpcUrls.default.http[0];
}

function explorerOf(chainId: number): string | undefined {
  const chain: Chain | undefined = Object.values(viemChains).find(({ id }) => id === chainId);
  return chain?.blockExplorers?.default.url.replace(/\/$/, '');
}

function assetsOf(chainId: number): readonly object[] {
  const fromSdk = DEFAULT_ASSETS[`eip155:${chainId}`] ?? [];
  const v1 = V1_ASSETS[chainId];
  if (fromSdk.length > 0 || v1 === undefined) {
    return fromSdk.map(({ symbol, asset, decimals, name, version, assetTransferMethod = 'eip3009' }) => {
      return { symbol, address: asset, decimals, name, version, transferMethod: assetTransferMethod };
    });
  }
  const [address, name] = v1;
  return [{ symbol: 'USDC', address, decimals: 6, name, version: '2', transferMethod: 'eip3009' }];
}

if (import.meta.main) {
  writeFileSync(new URL('../../../config/assets.json', import.meta.url), assetTableJson());
}
