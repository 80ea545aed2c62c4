import type { TypedDataToken } from '../domain/asset.ts';
import type { FacilitatorSpec } from '../domain/facilitator-spec.ts';
import type { Network } from '../domain/network.ts';
import type { AssetTable } from './asset-table.ts';
import { mergedEntries, placeOf } from './decoder.ts';
import type { Problem } from './problem.ts';
import type { Place, Source } from './source.ts';

/** Where something stands in the file, without what may be wrong with it. */
export type Whereabouts = Omit<Problem, 'wrong' | 'right'>;

/** What a long form says that its contract can confirm. */
export type ClaimedKey = 'address' | 'decimals' | 'name' | 'version';

/** A JSON-RPC node that the file names for a network. */
export interface NamedNode {
  readonly url: string;
  /** Through which it is asked. */
  readonly proxy: string | undefined;
  readonly at: Whereabouts;
}

/** A token in its long form as written, and the nodes that can check it. */
export interface TokenClaim {
  readonly asset: TypedDataToken;
  readonly at: Readonly<Record<ClaimedKey, Whereabouts>>;
  readonly nodes: readonly NamedNode[];
}

/** A long form as it was met while offers were made. */
export type LongForm = Omit<TokenClaim, 'nodes'>;

/** Notes where the parts of a long form stand. Nothing of the document is kept. */
export function longFormAt(asset: TypedDataToken, place: Place, source: Source): LongForm {
  const at = (key: ClaimedKey): Whereabouts => source.whereabouts(child(place, key, source) ?? place);
  return { asset, at: { address: at('address'), decimals: at('decimals'), name: at('name'), version: at('version') } };
}

/**
 * The long forms whose networks have nodes, each place of the file once.
 *
 * @param facilitator where the file's `facilitator` stands
 */
export function tokenClaims(
  forms: readonly LongForm[],
  facilitators: readonly FacilitatorSpec[],
  facilitator: Place,
  { table, source }: { readonly table: AssetTable; readonly source: Source },
): readonly TokenClaim[] {
  const nodes = new Map<Network, readonly NamedNode[]>();
  const claims = new Map<string, TokenClaim>();
  for (const form of forms) {
    const { network } = form.asset;
    const named = nodes.get(network) ?? namedNodes(network, facilitators, facilitator, { table, source });
    nodes.set(network, named);
    const { line, column } = form.at.address;
    const key = `${network} ${line}:${column}`;
    if (named.length > 0 && !claims.has(key)) claims.set(key, { ...form, nodes: named });
  }
  return [...claims.values()];
}

/** Facilitators in the order of the file, as the plan has them. */
function namedNodes(
  network: Network,
  facilitators: readonly FacilitatorSpec[],
  facilitator: Place,
  { table, source }: { readonly table: AssetTable; readonly source: Source },
): readonly NamedNode[] {
  const found = source.resolve(facilitator);
  const list = found?.node?.kind === 'list' ? found.node : undefined;
  return facilitators.flatMap((spec, index) => {
    const url = spec.rpc.get(network);
    if (url === undefined) return [];
    const own =
      list === undefined
        ? facilitator
        : placeOf(list.items[index], facilitator.offset, `${facilitator.path}[${index}]`);
    const rpc = child(child(own, 'local', source) ?? own, 'rpc', source);
    const entry = rpc && entries(rpc, source).find(({ name }) => (table.find(name)?.network ?? name) === network);
    return [{ url, proxy: spec.proxies?.get(url), at: source.whereabouts(entry?.place ?? own) }];
  });
}

/** Where a key of a map stands, or the map where it is not there. */
export function keyPlace(place: Place, key: string, source: Source): Place {
  return child(place, key, source) ?? place;
}

function child(place: Place, key: string, source: Source): Place | undefined {
  return entries(place, source).find(({ name }) => name === key)?.place;
}

function entries(place: Place, source: Source): ReturnType<typeof mergedEntries> {
  const found = source.resolve(place);
  return found?.node?.kind === 'map' ? mergedEntries(found.node, place.path, source) : [];
}
