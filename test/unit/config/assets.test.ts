import { readFileSync } from 'node:fs';
import { DEFAULT_ASSETS } from '@x402/evm';
import { EVM_NETWORK_CHAIN_ID_MAP } from '@x402/evm/v1';
import { describe, expect, it } from 'vitest';
import { parseAssetTable, readAssetTable } from '../../../src/config/asset-table.ts';
import { families } from '../../../src/registry.ts';
import { assetTableJson } from '../../support/assets/generate.ts';

const table = readAssetTable();

describe('the table of known assets', () => {
  it('is what the generator writes', () => {
    expect(readFileSync(new URL('../../../config/assets.json', import.meta.url), 'utf8')).toBe(assetTableJson());
  });

  it('holds every default asset of the official package, in its order', () => {
    const ours = Object.fromEntries(
      Object.keys(DEFAULT_ASSETS).map((network) => [
        network,
        table.find(network)?.assets.map(({ address, symbol, decimals, name, version, transferMethod }) => {
          return { asset: address, symbol, decimals, name, version, transferMethod };
        }),
      ]),
    );
    const theirs = Object.fromEntries(
      Object.entries(DEFAULT_ASSETS).map(([network, assets]) => [
        network,
        assets.map(({ asset, symbol, decimals, name, version, assetTransferMethod = 'eip3009' }) => {
          return { asset, symbol, decimals, name, version, transferMethod: assetTransferMethod };
        }),
      ]),
    );
    expect(ours).toEqual(theirs);
  });

  it('calls every network what x402 v1 calls it', () => {
    for (const [name, chainId] of Object.entries(EVM_NETWORK_CHAIN_ID_MAP)) {
      expect(table.find(name)?.network).toBe(`eip155:${chainId}`);
    }
  });

  it('offers to v1 clients exactly the EVM networks that they take', () => {
    const v1 = table.networks.filter((network) => network.v1).map((network) => network.name);
    expect(v1.sort()).toEqual(
      'abstract abstract-testnet avalanche avalanche-fuji base base-sepolia educhain iotex peaq polygon polygon-amoy sei sei-testnet skale-base-sepolia story'.split(
        ' ',
      ),
    );
  });

  it('holds only addresses whose checksum is right and symbols that a price can name', () => {
    for (const { network, assets } of table.networks) {
      for (const asset of assets) {
        expect(families.of(network).readAddress(asset.address), asset.address).toMatchObject({ ok: true });
        expect(asset.symbol).toMatch(/^[A-Za-z][A-Za-z0-9.₮]*$/);
      }
    }
  });

  it.each(['{}', '[{}]', '[{"network":"eip155:1","name":"a","assets":[{}]}]'])('refuses to read %s', (json) => {
    expect(() => parseAssetTable(json)).toThrow(/asset table/);
  });

  it('refuses a network that is there twice', () => {
    const entry = '{"network":"eip155:1","name":"a","assets":[]}';
    expect(() => parseAssetTable(`[${entry},${entry}]`)).toThrow(/twice/);
  });
});
