import type { Network } from '../domain/network.ts';
import type { Plan } from '../domain/plan.ts';
import { offersOf } from '../domain/plan-parts.ts';
import { type AssetTable, networkName } from './asset-table.ts';
import { nearest } from './nearest.ts';

/** The environment variable that replaces the public nodes of the table: `off`, or `base=https://…,polygon=https://…`. */
const VARIABLE = 'TURNPIKE_PUBLIC_NODES';

/** The table to use, and what is wrong with the variable: it is never ignored in part. */
export interface ChosenNodes {
  readonly table: AssetTable;
  /** In words that hold no URL, which may hold a key. */
  readonly wrong: readonly string[];
}

/** What is right for {@link VARIABLE}, as a noun phrase. */
export const RIGHT_NODES = '`off`, or name=URL pairs with commas between them, such as base=https://node.example.com';

/** The table with the public nodes that the environment names, where it names any: those and no others. */
export function withPublicNodes(table: AssetTable, env: Readonly<Record<string, string | undefined>>): ChosenNodes {
  const given = env[VARIABLE]?.trim();
  if (given === undefined || given === '') return { table, wrong: [] };
  const nodes = new Map<Network, string>();
  const wrong = given === 'off' ? [] : given.split(',').flatMap((entry) => readEntry(entry, table, nodes) ?? []);
  const networks = table.networks.map(({ publicNode: _, ...network }) => {
    const url = nodes.get(network.network);
    return url === undefined ? network : { ...network, publicNode: url };
  });
  return {
    table: { networks, find: (name) => networks.find((one) => one.name === name || one.network === name) },
    wrong,
  };
}

/** Reads one pair; what it says when it is none. */
function readEntry(entry: string, table: AssetTable, nodes: Map<Network, string>): string | undefined {
  const at = entry.indexOf('=');
  const name = entry.slice(0, at === -1 ? undefined : at).trim();
  const url = at === -1 ? '' : entry.slice(at + 1).trim();
  const known = table.find(name);
  if (at === -1) return `${VARIABLE} holds a part without a URL${known === undefined ? '' : `, for ${name}`}`;
  if (known === undefined) {
    const near = nearest(
      name,
      table.networks.map((network) => network.name),
    );
    return `${VARIABLE} names the network ${JSON.stringify(name)}, which is not known${near === undefined ? '' : `; did you mean ${near}?`}`;
  }
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? '')) return `${VARIABLE} has no http or https URL for ${name}`;
  if (nodes.has(known.network)) return `${VARIABLE} names ${name} twice`;
  nodes.set(known.network, url);
  return undefined;
}

/** Says which public nodes may be asked when a settlement is in doubt, a line for each network that is sold on. */
export function describePublicNodes(plan: Plan, table: AssetTable): readonly string[] {
  return [...publicNodesOfSales(plan)].map(
    ([network, url]) =>
      `a settlement on ${networkName(table, network)} whose outcome is in doubt is looked for at the public node ${url}; a node of your own in facilitator.rpc takes its place, and rpc: off forbids it`,
  );
}

/** The public nodes that may be asked, by the networks that something is sold on. */
export function publicNodesOfSales(plan: Plan): ReadonlyMap<Network, string> {
  const networks = new Set(offersOf(plan).map(({ network }) => network));
  const nodes = plan.facilitators.flatMap((spec) => (spec.kind === 'remote' ? [...(spec.publicNodes ?? [])] : []));
  return new Map(nodes.filter(([network]) => networks.has(network)));
}
