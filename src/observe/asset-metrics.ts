import { Gauge, type Registry } from 'prom-client';
import type { Asset } from '../domain/asset.ts';

/** What amounts in atomic units are to be divided by, to be read as money. */
export interface AssetMetrics {
  /** Adds assets that prices are in. One stays when no price is in it any more: its revenue was counted. */
  noteAssets(assets: Iterable<Pick<Asset, 'network' | 'address' | 'symbol' | 'decimals'>>): void;
}

/** The assets of the price table, so that a dashboard can show dollars where counters have atomic units. */
export function createAssetMetrics(registry: Registry): AssetMetrics {
  const units = new Gauge({
    name: 'turnpike_asset_atomic_units',
    help: 'Atomic units in one whole unit of an asset: divide amounts by it.',
    labelNames: ['network', 'asset', 'symbol'],
    aggregator: 'max',
    registers: [registry],
  });
  return {
    noteAssets(assets) {
      for (const { network, address, symbol, decimals } of assets) {
        units.set({ network, asset: address, symbol }, 10 ** decimals);
      }
    },
  };
}
