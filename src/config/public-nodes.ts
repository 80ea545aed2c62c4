import type { Plan } from '../domain/plan.ts';
import { paidPrices } from '../domain/route-price.ts';
import { type AssetTable, networkName } from './asset-table.ts';

/** The environment variable that replaces the public nodes of the table: `off`, or `base=https://…,polygon=https://…`. */
const VARIABLE = 'TURNPIKE_PUBLIC_NODES';

/** The table with the public nodes that the environment names, where it names any: those and no others. */
export function withPublicNodes(table: AssetTable, env: Readonly<Record<string, string | undefined>>): AssetTable {
  const given = env[VARIABLE];
  if (given === undefined || given === '') return table;
  const nodes = new Map(
    given.split(',').flatMap((entry): [string, string][] => {
      const at = entry.indexOf('=');
      const url = entry.slice(at + 1).trim();
      return at === -1 || !URL.canParse(url) ? [] : [[entry.slice(0, at).trim(), url]];
    }),
  );
  const networks = table.networks.map(({ publicNode: _, ...network }) => {
    const url = nodes.get(network.name) ?? nodes.get(network.network);
    return url === undefined ? network : { ...network, publicNode: url };
  });
  return { networks, find: (name) => networks.find((one) => one.name === name || one.network === name) };
}

/** Says which public nodes may be asked when a settlement is in doubt, a line for each network that is sold on. */
export function describePublicNodes(plan: Plan, table: AssetTable): readonly string[] {
  const offers = plan.routes.flatMap(paidPrices).flatMap(({ offers }) => offers);
  const networks = new Set(offers.map(({ network }) => network));
  const asked = new Map(
    plan.facilitators.flatMap((spec) => (spec.kind === 'remote' ? [...(spec.publicNodes ?? [])] : [])),
  );
  return [...asked]
    .filter(([network]) => networks.has(network))
    .map(
      ([network, url]) =>
        `a settlement on ${networkName(table, network)} whose outcome is in doubt is looked for at the public node ${url}; a node of your own in facilitator.rpc takes its place, and rpc: off forbids it`,
    );
}
