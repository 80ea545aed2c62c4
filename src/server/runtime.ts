import type { FacilitatorSpec } from '../domain/facilitator-spec.ts';
import { GatewayError } from '../domain/gateway-error.ts';
import type { Leases } from '../domain/leases.ts';
import { type Offer, statesMaximum } from '../domain/offer.ts';
import type { Plan } from '../domain/plan.ts';
import { offersOf, upstreamsOf } from '../domain/plan-parts.ts';
import { isSameWay, sumOffers } from '../domain/price-sum.ts';
import type { Route } from '../domain/route.ts';
import { type PaidPrice, type PricePart, paidPrices } from '../domain/route-price.ts';
import type { Upstream } from '../domain/upstream.ts';
import { type FacilitatorPool, type FacilitatorPoolDeps, orderedFacilitators } from '../facilitator/failover.ts';
import type { ApiTools, Discovery, OpenPrice, Runtime } from '../pipeline/runtime.ts';
import { composeChallenge, type RouteChallenge } from '../protocol/challenge.ts';
import type { OfferReceipts } from '../protocol/offer-receipt/offer-receipts.ts';
import type { Protocol } from '../protocol/protocol.ts';
import { type PaymentFields, paymentFieldsOf } from '../proxy/headers/payment-fields.ts';
import type { HealthBook } from '../proxy/server-health.ts';
import { compileTrustedPeers, type TrustedPeers } from '../proxy/trusted-peers.ts';
import { openUpgradeProxy, type UpgradeProxy } from '../proxy/upgrade.ts';
import type { UpstreamClient } from '../proxy/upstream-connection.ts';
import type { Scheme } from '../scheme/scheme.ts';
import { type Listings, openDiscovery, openListings, openTools } from './discovery.ts';
import type { FacilitatorLeases } from './facilitator-leases.ts';
import { LearntOffers } from './learnt-offers.ts';
import { type AccessTools, openPassAccess, openSignIn } from './pass-access.ts';
import { openPaywall } from './paywall.ts';
import type { RecentOffers } from './recent-offers.ts';

/** A runtime with its end: it closes what was opened for its plan, except what another plan uses. */
export interface OpenRuntime extends Runtime {
  /** The health of the servers of its upstreams. */
  readonly health: HealthBook;
  /** The routes as quoted: their offers completed by what facilitators state. */
  readonly quoted: readonly Route[];
  /** Whether an offer of the plan is quoted: all facts of facilitators that it needs are known. */
  isQuoted(offer: Offer): boolean;
  /** New facts of facilitators that change what is quoted; `undefined` where there are none. */
  lesson(): RuntimeLesson | undefined;
  /** Cuts upgraded connections, which do not end on their own. */
  cutTunnels(): void;
  close(): Promise<void>;
}

/** A change of quotes by new facts of facilitators, before it is in force. */
export interface RuntimeLesson {
  readonly quoted: readonly Route[];
  /** Puts it in force: 402s state it from now on. */
  adopt(): void;
}

/** The parts of a runtime. */
export interface RuntimeDeps {
  /** The payment protocols of the plan, the preferred one first. */
  readonly protocols: readonly Protocol[];
  readonly recent: Pick<RecentOffers, 'of' | 'lookUp'>;
  readonly facilitators: Pick<FacilitatorLeases, 'lease' | 'release'>;
  readonly clients: Leases<Upstream, UpstreamClient>;
  /** Health of the servers, shared by all plans of the process. */
  readonly health: HealthBook;
  readonly onFacilitatorFault: NonNullable<FacilitatorPoolDeps['onFault']>;
  /** What the plan's routes share for passes; `undefined` where none sells passes. */
  readonly accessTools: AccessTools | undefined;
  /** Signs the plan's offers and receipts; absent where they are not signed. */
  readonly receipts?: OfferReceipts | undefined;
  /** Checks the signatures of agents; absent where the plan names none. */
  readonly agents?: Runtime['agents'];
  /** The schemes say which facts of facilitators offers need. */
  readonly schemes: readonly Scheme[];
  /** Called when a facilitator of this runtime stated what it supports. */
  readonly onSupported?: () => void;
  /** Unix milliseconds. */
  readonly clock: () => number;
}

/**
 * Opens everything that a plan needs. Connections are made when they are first used.
 *
 * @param before the facilitators of the previous runtime: its knowledge of the same facilitators is taken over. They are not
 *   kept: each runtime would keep all those before it.
 */
export function openRuntime(plan: Plan, deps: RuntimeDeps, before?: FacilitatorPool): OpenRuntime {
  const { onFacilitatorFault, onSupported = () => undefined } = deps;
  const list = plan.facilitators.map((spec) => deps.facilitators.lease(spec));
  const pool = orderedFacilitators(list, {
    onFault: onFacilitatorFault,
    onSupported,
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
  readonly tools: ApiTools | undefined;
  readonly receipts: OfferReceipts | undefined;
  readonly agents: Runtime['agents'];
  readonly paywall: Runtime['paywall'];
  readonly health: HealthBook;
  readonly #deps: RuntimeDeps;
  /**
   * Each is made for its first request: most of ten thousand routes may never get one. The price of several calls
   * together lives as long as its request.
   */
  #prices = new WeakMap<PaidPrice, OpenPrice>();
  readonly #spoken = new WeakMap<Route['protocols'], readonly Protocol[]>();
  readonly #clients = new Map<Upstream, UpstreamClient>();
  readonly #tunnels = new Map<Upstream, UpgradeProxy>();
  readonly #listings: Listings | undefined;
  readonly #learnt: LearntOffers;

  constructor(plan: Plan, deps: RuntimeDeps, facilitators: FacilitatorPool) {
    this.health = deps.health;
    this.plan = plan;
    this.facilitators = facilitators;
    this.trustedPeers = compileTrustedPeers(plan.trustedProxies);
    this.fields = paymentFieldsOf(deps.protocols);
    this.receipts = deps.receipts;
    this.agents = deps.agents;
    this.discovery = openDiscovery(plan, deps.receipts?.document);
    this.tools = openTools(plan);
    this.#listings = openListings(plan.discovery);
    this.paywall = openPaywall(plan, deps.clock);
    this.#deps = deps;
    this.#learnt = new LearntOffers(deps.schemes, facilitators);
    // Held from the start: otherwise the connections would close with the plan before.
    for (const upstream of upstreamsOf(plan))
      if (deps.clients.find(upstream) !== undefined) this.upstreamClient(upstream);
  }

  upstreamClient(upstream: Upstream): UpstreamClient {
    return getOrOpen(this.#clients, upstream, (settings) => this.#deps.clients.lease(settings));
  }

  upgradeProxy(upstream: Upstream): UpgradeProxy {
    return getOrOpen(this.#tunnels, upstream, (settings) => openUpgradeProxy(settings, this.health));
  }

  protocols(route: Route): readonly Protocol[] {
    return getOrOpen(this.#spoken, route.protocols, (named) =>
      this.#deps.protocols.filter(({ setting }) => setting === undefined || named.some((each) => each === setting)),
    );
  }

  openPrice(route: Route, price: PaidPrice): OpenPrice {
    return getOrOpen(this.#prices, price, () => {
      const protocols = this.protocols(route);
      return openPrice(route, price, this.#learnt, { ...this.#deps, protocols, listings: this.#listings });
    });
  }

  get quoted(): readonly Route[] {
    return quotedRoutes(this.plan.routes, (offers) => this.#learnt.of(offers));
  }

  isQuoted(offer: Offer): boolean {
    return this.#learnt.of([offer]).length > 0;
  }

  lesson(): RuntimeLesson | undefined {
    const lesson = this.#learnt.look(offersOf(this.plan));
    if (lesson === undefined) return undefined;
    return {
      quoted: quotedRoutes(this.plan.routes, lesson.of),
      adopt: () => {
        lesson.adopt();
        // Each 402 is made again for its next request.
        this.#prices = new WeakMap();
      },
    };
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

function openPrice(
  route: Route,
  price: PaidPrice,
  learnt: LearntOffers,
  {
    recent,
    accessTools,
    receipts,
    protocols,
    listings,
  }: Pick<RuntimeDeps, 'recent' | 'accessTools' | 'protocols' | 'receipts'> & {
    readonly listings: Listings | undefined;
  },
): OpenPrice {
  const { mimeType, identifier, builderCode } = route;
  const { id, description, parts } = price;
  const offers = quotedOffers(price, learnt);
  const access = accessTools && openPassAccess(price, accessTools);
  const signIn = accessTools && openSignIn(route, price, accessTools);
  // Only a metered price can charge less than an amount that was signed as the maximum.
  const isFit = (offer: Offer): boolean => !statesMaximum(offer) || price.metering !== undefined;
  const sponsoring = learnt.sponsoringOf(parts?.flatMap((part) => part.price.offers) ?? price.offers);
  const sells = { access: price.access?.terms, signIn, listing: listings?.of(route), sponsoring };
  return {
    offers,
    challenge:
      offers.length === 0
        ? UNQUOTED
        : composeChallenge(protocols.filter(isFor(price)), {
            route: route.name,
            description,
            mimeType,
            identifier,
            builderCode,
            offers,
            receipts,
            ...sells,
          }),
    recentOffers: (now) =>
      (parts === undefined ? recent.of(id, now) : recentSums(parts, { recent, learnt }, now)).filter(isFit),
    lookUpOffers: () => recent.lookUp(),
    access,
    signIn,
  };
}

/**
 * Whether a protocol states a price. It does not where answers are sent before there is a receipt, and its clients wait
 * for the receipt.
 */
function isFor({ settle }: PaidPrice): (protocol: Protocol) => boolean {
  return ({ onCredit }) => onCredit !== false || settle !== 'deferred';
}

/** The offers of a price as quoted; for a sum of prices, those of its parts. */
function quotedOffers({ offers, parts }: PaidPrice, learnt: LearntOffers): readonly Offer[] {
  if (parts === undefined || parts.every(({ price }) => learnt.of(price.offers) === price.offers)) {
    return learnt.of(offers);
  }
  return sumOffers(parts.map(({ price, count }) => ({ offers: learnt.of(price.offers), count })));
}

/** What the same calls cost before the last change of their prices: a quote for a batch is honoured, too. */
function recentSums(
  parts: readonly PricePart[],
  { recent, learnt }: { readonly recent: RuntimeDeps['recent']; readonly learnt: LearntOffers },
  now: number,
): readonly Offer[] {
  let changed = false;
  const before = parts.map(({ price, count }) => {
    const offers = learnt.of(price.offers);
    const old = recent.of(price.id, now);
    changed ||= old.length > 0;
    // The latest comes last; an unchanged price is the present one.
    const latest = [...old].reverse();
    return { offers: [...latest, ...offers.filter((offer) => !old.some((each) => isSameWay(each, offer)))], count };
  });
  return changed ? sumOffers(before) : [];
}

/** A price that cannot be stated, because no facilitator has stated enough. */
const UNQUOTED: RouteChallenge = { repeats: false, state: unquoted, prices: unquoted };

function unquoted(): never {
  throw new GatewayError('facilitator_unreachable', { detail: 'None that serves a way to pay has been reached.' });
}

function quotedRoutes(
  routes: readonly Route[],
  quote: (offers: readonly Offer[]) => readonly Offer[],
): readonly Route[] {
  return routes.map((route) => {
    if (paidPrices(route).every(({ offers }) => quote(offers) === offers)) return route;
    const prices = route.prices.map((price) =>
      price.kind === 'priced' ? { ...price, offers: quote(price.offers) } : price,
    );
    return { ...route, prices };
  });
}

function getOrOpen<K extends object, V>(map: Pick<WeakMap<K, V>, 'get' | 'set'>, key: K, open: (key: K) => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = open(key);
    map.set(key, value);
  }
  return value;
}
