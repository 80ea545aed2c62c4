import type { FacilitatorSpec } from '../domain/facilitator-spec.ts';
import type { Plan } from '../domain/plan.ts';
import type { Webhook } from '../domain/webhook.ts';
import { type ProxyEnvironment, proxyOf } from './proxy-environment.ts';
import { publicNodesOfSales } from './public-nodes.ts';

/** Every URL that the gateway asks through a proxy, and the proxy. Upstreams are never asked through one. */
export function compileProxies(
  facilitators: readonly FacilitatorSpec[],
  webhooks: readonly Webhook[],
  environment: ProxyEnvironment,
): ReadonlyMap<string, string> {
  const proxies = new Map<string, string>();
  for (const url of [...facilitators.flatMap(urlsOf), ...webhooks.map((hook) => hook.url)]) {
    const proxy = proxyOf(url, environment);
    if (proxy !== undefined) proxies.set(url, proxy);
  }
  return proxies;
}

function urlsOf(spec: FacilitatorSpec): readonly string[] {
  const nodes = [...spec.rpc.values()];
  return spec.kind === 'remote' ? [spec.url, ...nodes, ...(spec.publicNodes?.values() ?? [])] : nodes;
}

/**
 * Describes which URLs are asked through which proxy, a line for each proxy. Paths and credentials of URLs are left
 * out: they may hold keys.
 */
export function describeProxies(plan: Plan): readonly string[] {
  const never = unusedNodes(plan);
  const asked = new Map<string, Set<string>>();
  for (const [url, proxy] of plan.proxies) {
    if (never.has(url)) continue;
    const name = new URL(proxy).origin;
    asked.set(name, (asked.get(name) ?? new Set()).add(new URL(url).host));
  }
  return [...asked].map(
    ([proxy, hosts]) =>
      `${[...hosts].join(', ')}: asked through the proxy ${proxy} of the environment; NO_PROXY names who is not`,
  );
}

/** Public nodes of networks on which nothing is sold. */
function unusedNodes(plan: Plan): ReadonlySet<string> {
  const used = new Set(publicNodesOfSales(plan).values());
  const all = plan.facilitators.flatMap((spec) =>
    spec.kind === 'remote' ? [...(spec.publicNodes?.values() ?? [])] : [],
  );
  return new Set(all.filter((url) => !used.has(url)));
}
