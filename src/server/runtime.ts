import type { Plan } from '../domain/plan.ts';
import type { Route } from '../domain/route.ts';
import type { Upstream } from '../domain/upstream.ts';
import type { Facilitator } from '../facilitator/facilitator.ts';
import { type FacilitatorPool, orderedFacilitators } from '../facilitator/failover.ts';
import type { RouteDesk, Runtime } from '../pipeline/runtime.ts';
import { compileChallenge } from '../protocol/challenge.ts';
import { compileTrustedPeers, type TrustedPeers } from '../proxy/trusted-peers.ts';
import { openUpgradeProxy, type UpgradeProxy } from '../proxy/upgrade.ts';
import { openUpstreamClient, type UpstreamClient } from '../proxy/upstream-connection.ts';
import type { RecentOffers } from './recent-offers.ts';

/** A runtime with its end: what was opened for a plan is closed with it. */
export interface OpenRuntime extends Runtime {
  /** Cuts connections that were upgraded: they do not end by themselves. */
  cutTunnels(): void;
  close(): Promise<void>;
}

/** Opens everything that a plan needs. Connections are made when they are first used. */
export function openRuntime(
  plan: Plan,
  recent: Pick<RecentOffers, 'of'>,
  open: (spec: Plan['facilitators'][number]) => Facilitator,
  onFacilitatorFault: (facilitator: Facilitator, operation: 'supported' | 'verify', fault: unknown) => void,
): OpenRuntime {
  return new PlanRuntime(
    plan,
    recent,
    orderedFacilitators(plan.facilitators.map(open), { onFault: onFacilitatorFault }),
  );
}

class PlanRuntime implements OpenRuntime {
  readonly plan: Plan;
  readonly facilitators: FacilitatorPool;
  readonly trustedPeers: TrustedPeers;
  readonly #desks: ReadonlyMap<Route, RouteDesk>;
  readonly #clients = new Map<Upstream, UpstreamClient>();
  readonly #tunnels = new Map<Upstream, UpgradeProxy>();

  constructor(plan: Plan, recent: Pick<RecentOffers, 'of'>, facilitators: FacilitatorPool) {
    this.plan = plan;
    this.facilitators = facilitators;
    this.trustedPeers = compileTrustedPeers(plan.trustedProxies);
    this.#desks = compileDesks(plan.routes, recent);
  }

  upstreamClient(upstream: Upstream): UpstreamClient {
    return getOrOpen(this.#clients, upstream, openUpstreamClient);
  }

  upgradeProxy(upstream: Upstream): UpgradeProxy {
    return getOrOpen(this.#tunnels, upstream, openUpgradeProxy);
  }

  desk(route: Route): RouteDesk | undefined {
    return this.#desks.get(route);
  }

  cutTunnels(): void {
    for (const tunnel of this.#tunnels.values()) void tunnel.close();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#tunnels.values()].map((tunnel) => tunnel.close()));
    await Promise.all([...this.#clients.values()].map((client) => client.close()));
    await this.facilitators.close();
  }
}

function compileDesks(routes: readonly Route[], recent: Pick<RecentOffers, 'of'>): ReadonlyMap<Route, RouteDesk> {
  const desks = new Map<Route, RouteDesk>();
  for (const route of routes) {
    if (route.price.kind === 'free') continue;
    const { offers } = route.price;
    const challenge = compileChallenge({ ...route, offers });
    desks.set(route, { offers, challenge, recentOffers: (now) => recent.of(route.name, now) });
  }
  return desks;
}

function getOrOpen<K, V>(map: Map<K, V>, key: K, open: (key: K) => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = open(key);
    map.set(key, value);
  }
  return value;
}
