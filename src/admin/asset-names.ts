import type { AssetTable } from '../config/asset-table.ts';
import { formatUnits } from '../domain/amount.ts';
import type { Asset } from '../domain/asset.ts';
import type { Network } from '../domain/network.ts';
import { assetId, type NetworkFamilies } from '../domain/network-family.ts';
import type { Plan } from '../domain/plan.ts';
import { offersOf } from '../domain/plan-parts.ts';
import { printable } from '../domain/printable.ts';

/** The asset of a row of the ledger. */
export interface AssetId {
  /** CAIP-2. */
  readonly network: Network;
  /** The contract. */
  readonly asset: string;
}

/**
 * The assets by their contracts: those of the configuration, then those of the asset table. The ledger keeps contracts
 * and atomic units only, so that a row is exact whatever the configuration says today.
 */
export class AssetNames {
  readonly #assets = new Map<string, Asset>();
  readonly #table: AssetTable;
  readonly #families: NetworkFamilies;

  constructor({ routes }: Pick<Plan, 'routes'>, table: AssetTable, families: NetworkFamilies) {
    this.#table = table;
    this.#families = families;
    const priced = offersOf({ routes });
    const known = [...table.networks.flatMap(({ assets }) => assets), ...priced.map(({ asset }) => asset)];
    for (const asset of known) this.#assets.set(this.idOf({ network: asset.network, asset: asset.address }), asset);
  }

  /** One text for all spellings of an asset: rows keep the spelling of their time. */
  idOf({ network, asset }: AssetId): string {
    return assetId(this.#families, network, asset);
  }

  /** The asset of a row; `undefined` when its decimals are not known. */
  find(id: AssetId): Asset | undefined {
    return this.#assets.get(this.idOf(id));
  }

  /** An amount in whole units; `undefined` when the asset is not known. */
  units(id: AssetId, amount: bigint): string | undefined {
    const asset = this.find(id);
    return asset === undefined ? undefined : formatUnits(amount, asset.decimals);
  }

  /** An amount for people: `0.001 USDC`, or atomic units where the asset is not known. */
  amount(id: AssetId, amount: bigint): string {
    const asset = this.find(id);
    return asset === undefined
      ? `${amount} atomic`
      : printable(`${formatUnits(amount, asset.decimals)} ${asset.symbol}`);
  }

  /** A network for people: `base`, or its CAIP-2 identifier. */
  network(network: string): string {
    return this.#table.find(network)?.name ?? network;
  }
}
