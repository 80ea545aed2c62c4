import { Gauge, type Registry } from 'prom-client';
import type { Asset } from '../domain/asset.ts';

/** The divisor of each asset: an amount in atomic units, divided by it, is an amount of money. */
export interface AssetMetrics {
  /** Adds assets that prices use. An asset stays when its last price is removed: its revenue was counted. */
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
