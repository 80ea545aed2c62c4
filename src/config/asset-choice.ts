import type { Asset, TypedDataToken } from '../domain/asset.ts';
import type { Network } from '../domain/network.ts';
import { type NetworkFamilies, sameAddress } from '../domain/network-family.ts';
import type { Price } from '../domain/price.ts';
import { type AssetTable, networkName } from './asset-table.ts';
import type { Field } from './decoder.ts';
import type { AssetChoice, LongAsset } from './payment-keys.ts';
import { type Place, reportValue, type Source } from './source.ts';
import { keyPlace, type LongForm, longFormAt } from './token-claims.ts';

/** A price other than `free`. */
export type PaidPrice = Exclude<Price, { kind: 'free' }>;

/** Where assets come from when a way to pay does not say. */
export interface AssetInputs {
  /** They say when two texts are the same contract. */
  readonly families: NetworkFamilies;
  readonly table: AssetTable;
  /** The file's `asset`. */
  readonly asset: Field<AssetChoice>;
  /** The long forms that offers were made from, for their contracts to confirm. */
  readonly longForms: LongForm[];
}

/** The asset of one way to pay, as written. */
export interface Wanted {
  readonly network: Network;
  /** The `asset` of the entry of `accepts`. */
  readonly own: Field<AssetChoice>;
  /** The entry of `accepts`. */
  readonly place: Place;
  readonly price: PaidPrice;
  readonly pricePlace: Place;
}

/** The asset that a way to pay means. `'other asset'`: an atomic price is for another one; this way is not offered. */
export function chooseAsset(wanted: Wanted, inputs: AssetInputs, source: Source): Asset | 'other asset' | undefined {
  const { price, network, own } = wanted;
  const choice = own.kind === 'absent' ? inputs.asset : own;
  if (choice.kind === 'invalid') return undefined;
  if (price.kind === 'token' && own.kind === 'absent' && !(choice.kind === 'value' && choice.value.kind === 'long')) {
    return fromChoice({ kind: 'symbol', symbol: price.symbol }, network, wanted.pricePlace, inputs, source);
  }
  if (choice.kind === 'absent' && price.kind !== 'atomic') {
    return warned(firstAsset(network, wanted.place, inputs, source), wanted, inputs, source);
  }
  const named = choice.kind === 'value' ? fromChoice(choice.value, network, choice.place, inputs, source) : undefined;
  if (choice.kind === 'value' && named === undefined) return undefined;
  if (price.kind === 'atomic') {
    const known = own.kind === 'absent' ? (inputs.table.find(network)?.assets ?? []) : [];
    return (
      [...(named === undefined ? [] : [named]), ...known].find((asset) => isAt(asset, price.asset, inputs)) ??
      'other asset'
    );
  }
  if (named === undefined || price.kind === 'usd' || named.symbol === price.symbol)
    return warned(named, wanted, inputs, source);
  const where = networkName(inputs.table, network);
  source.report(
    wanted.pricePlace,
    `the price is in ${price.symbol}, but ${named.symbol} is accepted on ${where}`,
    `${price.decimal} ${named.symbol}, or ${price.symbol} as the asset in accepts`,
  );
  return undefined;
}

/** A dollar price counts one unit of its asset as a dollar; for an unknown asset the operator must confirm that. */
function warned(asset: Asset | undefined, wanted: Wanted, inputs: AssetInputs, source: Source): Asset | undefined {
  if (asset === undefined || wanted.price.kind !== 'usd') return asset;
  const known = inputs.table.find(asset.network)?.assets.some((entry) => isAt(entry, asset.address, inputs));
  if (!known)
    source.warn(
      wanted.pricePlace,
      `the dollar price takes ${asset.symbol} for a dollar stablecoin`,
      `${wanted.price.decimal} ${asset.symbol}, if it is none`,
    );
  return asset;
}

function firstAsset(network: Network, place: Place, inputs: AssetInputs, source: Source): Asset | undefined {
  const first = inputs.table.find(network)?.assets[0];
  if (first === undefined) {
    source.report(
      place,
      `no asset is known on ${networkName(inputs.table, network)}`,
      'asset: {address, decimals, name, version, transferMethod}',
    );
  }
  return first;
}

function fromChoice(
  choice: AssetChoice,
  network: Network,
  place: Place,
  inputs: AssetInputs,
  source: Source,
): Asset | undefined {
  const known = inputs.table.find(network)?.assets ?? [];
  if (choice.kind === 'long') {
    const asset = fromLongForm(choice.asset, known, network, place, { inputs, source });
    if (asset?.transferMethod !== undefined) inputs.longForms.push(longFormAt(asset, place, source));
    return asset;
  }
  const asset = known.find((entry) => entry.symbol === choice.symbol);
  if (asset !== undefined) return asset;
  const names = known.map((entry) => entry.symbol).join(', ');
  const right =
    names === '' ? 'the long form {address, decimals, name, version, transferMethod}' : `${names}, or the long form`;
  source.report(place, `the asset ${choice.symbol} is not known on ${networkName(inputs.table, network)}`, right);
  return undefined;
}

function fromLongForm(
  long: LongAsset,
  known: readonly Asset[],
  network: Network,
  place: Place,
  { inputs, source }: { readonly inputs: AssetInputs; readonly source: Source },
): Asset | undefined {
  const family = inputs.families.of(network);
  const address = family.readAddress(long.address);
  if (!address.ok) reportValue(keyPlace(place, 'address', source), address, source);
  const entry = known.find((asset) => isAt(asset, long.address, inputs));
  // 18 for 6 would make every price a millionth of a millionth of what it says.
  if (entry !== undefined && entry.decimals !== long.decimals) {
    source.report(
      place,
      `${entry.symbol} has ${entry.decimals} decimals, not ${long.decimals}`,
      String(entry.decimals),
    );
    return undefined;
  }
  const { decimals } = long;
  const symbol = long.symbol ?? entry?.symbol ?? long.name ?? long.address;
  const token = { network, address: long.address, symbol, decimals };
  if (family.typedData) {
    const signed = typedData(long, entry, place, source);
    return address.ok && signed ? { ...token, ...signed } : undefined;
  }
  for (const key of TYPED_DATA) {
    if (long[key] === undefined) continue;
    source.report(keyPlace(place, key, source), `${key} means nothing on ${family.name} networks`, 'address, decimals');
    return undefined;
  }
  return address.ok ? token : undefined;
}

const TYPED_DATA = ['name', 'version', 'transferMethod'] as const;

function typedData(
  { name, version, transferMethod }: LongAsset,
  entry: Asset | undefined,
  place: Place,
  source: Source,
): Pick<TypedDataToken, (typeof TYPED_DATA)[number]> | undefined {
  if (name === undefined || version === undefined || transferMethod === undefined) {
    for (const [key, value] of Object.entries({ name, version, transferMethod })) {
      if (value !== undefined) continue;
      const missing = { ...place, path: `${place.path}.${key}` };
      source.report(missing, 'it is missing', `${key}, which decides the signatures on EVM`);
    }
    return undefined;
  }
  if (entry?.name !== undefined && (entry.name !== name || entry.version !== version)) {
    source.warn(
      place,
      `${entry.symbol} is known as ${JSON.stringify(entry.name)} version ${entry.version}`,
      'that, or signatures will fail',
    );
  }
  return { name, version, transferMethod };
}

function isAt(asset: Asset, address: string, { families }: AssetInputs): boolean {
  return sameAddress(families.of(asset.network), asset.address, address);
}
