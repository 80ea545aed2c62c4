import { readFileSync } from 'node:fs';
import type { Asset, KnownNetwork, TransferMethod } from '../domain/asset.ts';
import { type Network, parseNetwork } from '../domain/network.ts';
import { isJsonObject } from '../domain/payment.ts';
import type { Json } from '../domain/x402.ts';

/** The networks and assets that the configuration knows by name. Immutable. */
export interface AssetTable {
  readonly networks: readonly KnownNetwork[];
  /** Finds a network by its name (`base`) or CAIP-2 identifier (`eip155:8453`). */
  find(name: string): KnownNetwork | undefined;
}

/** Two levels up from here both as `src/config` and as `dist/config`. */
const FILE = new URL('../../config/assets.json', import.meta.url);

/** Reads the table that comes with the package, `config/assets.json`. */
export function readAssetTable(): AssetTable {
  return parseAssetTable(readFileSync(FILE, 'utf8'));
}

/** Reads a table from JSON; throws a plain `Error` for one that is not sound, which is a fault of the package. */
export function parseAssetTable(json: string): AssetTable {
  const entries: Json = JSON.parse(json);
  if (!Array.isArray(entries)) throw new Error('The asset table is not a list.');
  const networks = entries.map(knownNetwork);
  const index = new Map(
    networks.flatMap((network) => [[network.name, network] as const, [network.network, network] as const]),
  );
  if (index.size !== networks.length * 2) throw new Error('The asset table names a network twice.');
  return { networks, find: (name) => index.get(name) };
}

/** How a network is called in messages: by its name where it has one. */
export function networkName(table: AssetTable, network: string): string {
  return table.find(network)?.name ?? network;
}

/** A network for people who may have to look it up: `base (eip155:8453)`. */
export function networkText(table: AssetTable, network: string): string {
  const name = networkName(table, network);
  return name === network ? network : `${name} (${network})`;
}

function knownNetwork(entry: Json): KnownNetwork {
  const network = parseNetwork(member(entry, 'network'));
  const assets = member(entry, 'assets');
  if (network === undefined || !Array.isArray(assets))
    throw new Error('The asset table holds an entry that is no network.');
  const publicNode = member(entry, 'publicNode');
  const explorer = member(entry, 'explorer');
  return {
    network,
    ...(typeof publicNode === 'string' ? { publicNode } : {}),
    ...(typeof explorer === 'string' ? { explorer } : {}),
    name: stringMember(entry, 'name'),
    v1: member(entry, 'v1') === true,
    testnet: member(entry, 'testnet') === true,
    assets: assets.map((asset) => knownAsset(network, asset)),
  };
}

function knownAsset(network: Network, entry: Json): Asset {
  const decimals = member(entry, 'decimals');
  if (typeof decimals !== 'number') throw new Error('The asset table holds an asset without decimals.');
  const token = { network, address: stringMember(entry, 'address'), symbol: stringMember(entry, 'symbol'), decimals };
  if (member(entry, 'transferMethod') === undefined) return token;
  return {
    ...token,
    name: stringMember(entry, 'name'),
    version: stringMember(entry, 'version'),
    transferMethod: transferMethod(member(entry, 'transferMethod')),
  };
}

function transferMethod(value: Json | undefined): TransferMethod {
  if (value === 'eip3009' || value === 'permit2') return value;
  throw new Error('The asset table holds an unknown transfer method.');
}

function stringMember(entry: Json, name: string): string {
  const value = member(entry, name);
  if (typeof value !== 'string' || value === '') throw new Error(`The asset table holds an entry without ${name}.`);
  return value;
}

function member(entry: Json, name: string): Json | undefined {
  return isJsonObject(entry) ? entry[name] : undefined;
}
