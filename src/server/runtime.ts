import { Decision } from '../content/decision.ts';
import type { FacilitatorSpec } from '../domain/facilitator-spec.ts';
import type { Offer } from '../domain/offer.ts';
import type { Plan } from '../domain/plan.ts';
import { isSameWay, sumOffers } from '../domain/price-sum.ts';
import type { Route } from '../domain/route.ts';
import type { PaidPrice, PricePart, RoutePrice } from '../domain/route-price.ts';
import type { Upstream } from '../domain/upstream.ts';
import { type FacilitatorPool, type FacilitatorPoolDeps, orderedFacilitators } from '../facilitator/failover.ts';
import type { Discovery, OpenPrice, Runtime } from '../pipeline/runtime.ts';
import { composeChallenge } from '../protocol/challenge.ts';
import type { Protocol } from '../protocol/protocol.ts';
import type { PaymentFields } from '../proxy/headers/payment-fields.ts';
import type { HealthBook } from '../proxy/server-health.ts';
import { compileTrustedPeers, type TrustedPeers } from '../proxy/trusted-peers.ts';
import { openUpgradeProxy, type UpgradeProxy } from '../proxy/upgrade.ts';
import type { UpstreamClient } from '../proxy/upstream-connection.ts';
import { type AccessTools, openAccessDesk } from './access-desk.ts';
import { type Listings, openDiscovery, openListings } from './discovery.ts';
import type { FacilitatorStock } from './facilitator-stock.ts';
import type { RecentOffers } from './recent-offers.ts';
import type { Stock } from './stock.ts';

/** A runtime with its end: what was opened for a plan is closed with it, but for what another plan uses, too. */
export interface OpenRuntime extends Runtime {
  /** What is known about the servers of its upstreams. */
  readonly health: HealthBook;
  /** Cuts connections that were upgraded: they do not end by themselves. */
  cutTunnels(): void;
  close(): Promise<void>;
}

/** What a runtime takes its parts from. */
export interface RuntimeDeps {
  /** What states a price, the preferred one first. */
  readonly protocols: readonly Protocol[];
  /** What they use. */
  readonly fields: PaymentFields;
  readonly recent: Pick<RecentOffers, 'of' | 'lookUp'>;
  readonly facilitators: Pick<FacilitatorStock, 'lease' | 'release'>;
  readonly clients: Stock<Upstream, UpstreamClient>;
  /** Of the servers, shared by all plans of the process. */
  readonly health: HealthBook;
  readonly onFacilitatorFault: NonNullable<FacilitatorPoolDeps['onFault']>;
  /** What the plan's routes share to take passes; `undefined` where none does. */
  readonly accessTools: AccessTools | undefined;
  /** The facilitators of the runtime before: what it knows of the same ones is known here. */
  readonly before?: FacilitatorPool;
}

/** Opens everything that a plan needs. Connections are made when they are first used. */
export function openRuntime(plan: Plan, deps: RuntimeDeps): OpenRuntime {
  const { before, onFacilitatorFault } = deps;
  const list = plan.facilitators.map((spec) => deps.facilitators.lease(spec));
  const pool = orderedFacilitators(list, {
    onFault: onFacilitatorFault,
    known: (facilitator) => before?.kindsOf(facilitator),
  });
  return new PlanRuntime(plan, deps, pool);
}

class PlanRuntime implements OpenRuntime {
  readonly plan: Plan;
  readonly facilitators: FacilitatorPool;
  readonly trustedPeers: TrustedPeers;
  readonly fields: PaymentFields;
  readonly discovery: Discovery | undefined;
  readonly health: HealthBook;
  readonly #deps: RuntimeDeps;
  /** Each is made for its first request: most of ten thousand routes may never see one. Sums of calls go with their request. */
  readonly #prices = new WeakMap<PaidPrice, OpenPrice>();
  readonly #decisions = new Map<Route, Decision<RoutePrice>>();
  readonly #clients = new Map<Upstream, UpstreamClient>();
  readonly #tunnels = new Map<Upstream, UpgradeProxy>();
  readonly #listings: Listings | undefined;

  constructor(plan: Plan, deps: RuntimeDeps, facilitators: FacilitatorPool) {
    this.health = deps.health;
    this.plan = plan;
    this.facilitators = facilitators;
    this.trustedPeers = compileTrustedPeers(plan.trustedProxies);
    this.fields = deps.fields;
    this.discovery = openDiscovery(plan);
    this.#listings = openListings(plan.discovery);
    this.#deps = deps;
    // Held from the start, or the connections would go with the plan before.
    for (const upstream of upstreamsOf(plan)) if (deps.clients.holds(upstream)) this.upstreamClient(upstream);
  }

  upstreamClient(upstream: Upstream): UpstreamClient {
    return getOrOpen(this.#clients, upstream, (settings) => this.#deps.clients.lease(settings));
  }

  upgradeProxy(upstream: Upstream): UpgradeProxy {
    return getOrOpen(this.#tunnels, upstream, (settings) => openUpgradeProxy(settings, this.health));
  }

  decision(route: Route): Decision<RoutePrice> {
    return getOrOpen(this.#decisions, route, ({ prices }) => new Decision(prices));
  }

  openPrice(route: Route, price: PaidPrice): OpenPrice {
    return getOrOpen(this.#prices, price, () => openPrice(route, price, this.#deps, this.#listings));
  }

  cutTunnels(): void {
    for (const tunnel of this.#tunnels.values()) void tunnel.close();
  }

  async close(): Promise<void> {
    this.facilitators.stop();
    await Promise.all([...this.#tunnels.values()].map((tunnel) => tunnel.close()));
    for (const upstream of this.#clients.keys()) this.#deps.clients.release(upstream);
    this.#clients.clear();
    await Promise.all(this.plan.facilitators.map((spec: FacilitatorSpec) => this.#deps.facilitators.release(spec)));
  }
}

function upstreamsOf({ routes, unmatched }: Plan): ReadonlySet<Upstream> {
  const upstreams = new Set(routes.map(({ upstream }) => upstream));
  if (unmatched.kind === 'pass') upstreams.add(unmatched.upstream);
  return upstreams;
}

function openPrice(
  route: Route,
  price: PaidPrice,
  { recent, accessTools, protocols }: Pick<RuntimeDeps, 'recent' | 'accessTools' | 'protocols'>,
  listings: Listings | undefined,
): OpenPrice {
  const { host, mimeType, identifier } = route;
  const { id, offers, description, parts } = price;
  const access = accessTools && openAccessDesk(price, host, accessTools);
  const sells = { access: price.access?.terms, signIn: access?.signIn, listing: listings?.of(route) };
  return {
    offers,
    challenge: composeChallenge(protocols, { description, mimeType, identifier, offers, ...sells }),
    recentOffers: (now) => (parts === undefined ? recent.of(id, now) : recentSums(parts, recent, now)),
    lookUpOffers: () => recent.lookUp(),
    access,
  };
}

/** What the same calls cost before the last change of their prices: what was quoted for a batch is honoured, too. */
function recentSums(parts: readonly PricePart[], recent: RuntimeDeps['recent'], now: number): readonly Offer[] {
  let changed = false;
  const before = parts.map(({ price: { id, offers }, count }) => {
    const old = recent.of(id, now);
    changed ||= old.length > 0;
    // The latest comes last; what did not change stands as it is.
    const latest = [...old].reverse();
    return { offers: [...latest, ...offers.filter((offer) => !old.some((each) => isSameWay(each, offer)))], count };
  });
  return changed ? sumOffers(before) : [];
}

function getOrOpen<K extends object, V>(map: Pick<WeakMap<K, V>, 'get' | 'set'>, key: K, open: (key: K) => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = open(key);
    map.set(key, value);
  }
  return value;
}
