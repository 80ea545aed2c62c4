import { createHash } from 'node:crypto';
import type { AccessTerms } from '../domain/access.ts';
import { literalFront } from '../domain/literal-front.ts';
import { repriced } from '../domain/mcp-terms.ts';
import { assetId, type NetworkFamilies } from '../domain/network-family.ts';
import type { Offer } from '../domain/offer.ts';
import type { PassScope, PlainScope } from '../domain/pass.ts';
import { formatPrice } from '../domain/price.ts';
import type { PatternSegment, Route } from '../domain/route.ts';
import type { PaidPrice, RoutePrice } from '../domain/route-price.ts';
import type { AccessDraft } from './access-keys.ts';
import { type BalancePrice, balanceTerms } from './compile-balance.ts';
import type { PriceFields } from './compile-prices.ts';
import { inherited, soundValue } from './decoder.ts';
import type { GatewayFields } from './gateway-keys.ts';
import type { Place, Source } from './source.ts';

/** A compiled route beside its prices as written, one by one. */
export interface CompiledRoute {
  readonly route: Route;
  readonly fields: readonly PriceFields[];
  /** Where its path stands. */
  readonly place: Place;
}

/** A price that sells passes. */
interface Seller {
  readonly route: Route;
  readonly price: PaidPrice;
  /** Its cost without the payee: an operator's new wallet does not affect passes that were sold. */
  readonly cost: string;
  /** Its cost and its payees. */
  readonly ways: string;
  readonly draft: AccessDraft;
  readonly place: Place;
  /** What its calls cost, where it sells a balance. */
  readonly calls: BalancePrice | undefined;
}

/**
 * Gives the prices with `access` their terms. Prices of one group share their passes, so that a pass of the cheapest
 * would open the dearest: they have to cost and to sell the same.
 */
export function compileAccess(
  compiled: readonly CompiledRoute[],
  gateway: GatewayFields,
  families: NetworkFamilies,
  source: Source,
): readonly Route[] {
  const byScope = new Map<PlainScope, Seller[]>();
  const scopeOf = new Map<RoutePrice, Seller[]>();
  for (const { route, price, fields } of compiled.flatMap(pricesOf)) {
    const draft = soundValue(fields.access);
    if (draft === undefined || !maySell(price, fields, gateway, source)) continue;
    const scope: PlainScope = draft.group === undefined ? `route:${price.id}` : `group:${draft.group}`;
    const sellers = byScope.get(scope) ?? [];
    byScope.set(scope, sellers);
    const [cost, ways] = [costText(price.offers, false, families), costText(price.offers, true, families)];
    sellers.push({ route, price, cost, ways, draft, place: fields.access.place, calls: callsOf(fields) });
    scopeOf.set(price, sellers);
  }
  for (const sellers of byScope.values()) checkSame(sellers, source);
  const soldBy = new Map([...byScope].map(([scope, sellers]) => [sellers, termsOf(scope, sellers)] as const));
  const scopes = new Map([...byScope].map(([scope, sellers]) => [sellers, scope] as const));
  return compiled.map(({ route }) => {
    if (!route.prices.some((price) => scopeOf.has(price))) return route;
    const selling = new Map(route.prices.map((price) => [price, sellingOf(route, price)]));
    const sells = (price: RoutePrice): RoutePrice => selling.get(price) ?? price;
    return { ...route, prices: route.prices.map(sells), mcp: route.mcp && repriced(route.mcp, sells) };
  });

  function sellingOf(route: Route, price: RoutePrice): RoutePrice {
    const sellers = scopeOf.get(price);
    const terms = sellers && soldBy.get(sellers);
    if (sellers === undefined || terms === undefined || price.kind === 'free') return price;
    const seller = sellers.find((each) => each.price === price);
    const scope = scopes.get(sellers);
    if (seller?.calls === undefined || scope === undefined) return withAccess(route, price, terms, commonPath(sellers));
    return withBalance(seller, { scope, sellers, families, calls: seller.calls }, source);
  }
}

function pricesOf({ route, fields }: CompiledRoute): readonly {
  readonly route: Route;
  readonly price: RoutePrice;
  readonly fields: PriceFields;
}[] {
  return route.prices.flatMap((price, index) => {
    const own = fields[index];
    return own === undefined ? [] : [{ route, price, fields: own }];
  });
}

function maySell(price: RoutePrice, fields: PriceFields, gateway: GatewayFields, source: Source): price is PaidPrice {
  const { place } = fields.access;
  if (price.kind === 'free') {
    source.report(place, 'access has no effect on a free route', 'a price, or the key left out');
    return false;
  }
  const isDeferred = soundValue(inherited(fields.settle, gateway.settle)) === 'deferred';
  if (isDeferred && soundValue(fields.access)?.balance === undefined) {
    const wrong = 'with settle: deferred the pass would be out before the money moved';
    source.report(place, wrong, 'settle: after or before on this route');
    return false;
  }
  return true;
}

function checkSame([first, ...others]: readonly Seller[], source: Source): void {
  if (first === undefined) return;
  for (const other of others) {
    const sibling = `${first.place.path} (${first.price.id})`;
    if (!isSameSale(first.draft, other.draft))
      source.report(
        other.place,
        `the pass differs from that of ${sibling}, which is in the same group`,
        'the same for, requests and balance, or a scope of its own',
      );
    if (first.ways !== other.ways)
      source.report(
        other.place,
        `the route does not cost what ${sibling} costs, whose passes would open it`,
        'the same price and ways to pay, or a scope of its own',
      );
  }
}

function isSameSale(a: AccessDraft, b: AccessDraft): boolean {
  const balances = [a, b].map(({ balance }) => balance && formatPrice(balance));
  return a.forMs === b.forMs && a.requests === b.requests && balances[0] === balances[1];
}

function withAccess(route: Route, price: PaidPrice, terms: AccessTerms, path: string): PaidPrice {
  const offers = price.offers.map((offer) => ({ ...offer, access: terms }));
  return { ...price, offers, access: { terms, fingerprint: fingerprintOf(route, price), path } };
}

function callsOf({ price, access }: PriceFields): BalancePrice | undefined {
  const metered = soundValue(price);
  if (metered?.kind !== 'metered' || soundValue(access)?.balance === undefined) return undefined;
  return { upTo: metered.upTo.decimal, metering: metered.metering, place: price.place };
}

/**
 * Gives a price the balance that it sells: one for each asset that it is paid in. What a balance was bought for is all of its
 * group; how much one payment adds, and what calls cost, may change while it lasts.
 */
function withBalance(
  { route, price, place }: Seller,
  shared: {
    readonly scope: PlainScope;
    readonly sellers: readonly Seller[];
    readonly families: NetworkFamilies;
    readonly calls: BalancePrice;
  },
  source: Source,
): PaidPrice {
  const { sellers, families, calls } = shared;
  const scope: PassScope = `balance:${shared.scope}`;
  const opens = sellers.map((seller) => balanceFingerprint(seller.route, seller.price)).sort();
  const offers = price.offers.flatMap((offer) => {
    const balance = balanceTerms(offer, calls, place, source);
    if (balance === undefined) return [];
    const { network, asset, decimals } = balance;
    const version = digest('balance terms', [scope, assetId(families, network, asset), decimals, opens], 9);
    const access: AccessTerms = { scope, opens, version, forMs: undefined, requests: undefined, balance };
    return [{ ...offer, access }];
  });
  const [first] = offers;
  if (first === undefined) return price;
  const fingerprints = {
    fingerprint: fingerprintOf(route, price),
    balanceFingerprint: balanceFingerprint(route, price),
  };
  return { ...price, offers, access: { terms: first.access, ...fingerprints, path: commonPath(sellers) } };
}

function balanceFingerprint(route: Route, price: PaidPrice): string {
  return digest('balance', fingerprintOf(route, price), 12);
}

function termsOf(scope: PassScope, sellers: readonly Seller[]): AccessTerms | undefined {
  const [first] = sellers;
  if (first === undefined) return undefined;
  const { forMs, requests } = first.draft;
  const opens = sellers.map(({ route, price }) => fingerprintOf(route, price)).sort();
  const version = digest('terms', [scope, first.cost, forMs ?? null, requests ?? null, opens], 9);
  return { scope, opens, version, forMs, requests };
}

/** What a price is for, whatever it is: a pass opens exactly the requests that it was sold for. */
function fingerprintOf({ methods, host, pattern }: Route, { id, when }: PaidPrice): string {
  const shape = pattern.segments.map((segment) => shapeOf(segment));
  return digest(
    'route',
    [id, [...(methods ?? [])].sort(), host ?? null, shape, pattern.rest, ...(when.length === 0 ? [] : [when])],
    12,
  );
}

/** As the file spells it: another spelling here would part passes from the routes that they were sold for. */
function shapeOf(segment: PatternSegment): string | null | readonly [string, string] {
  if (segment.kind === 'affix') return [segment.prefix, segment.suffix];
  return segment.kind === 'param' ? null : segment.text;
}

function costText(offers: readonly Offer[], withPayee: boolean, families: NetworkFamilies): string {
  const ways = offers.map(({ scheme, network, asset, amount, payTo }) => {
    const payee = withPayee ? families.of(network).addressId(payTo) : '';
    return [scheme, assetId(families, network, asset.address), amount, payee].join(' ');
  });
  return ways.sort().join('\n');
}

/** The literal segments that every path of every route begins with. */
function commonPath(sellers: readonly Seller[]): string {
  const fronts = sellers.map(({ route }) => literalFront(route.pattern));
  const [first = []] = fronts;
  const end = first.findIndex((segment, index) => fronts.some((front) => front[index] !== segment));
  return `/${first.slice(0, end === -1 ? undefined : end).join('/')}`;
}

function digest(what: string, value: unknown, bytes: number): string {
  const hash = createHash('sha256')
    .update(`turnpike ${what}\n${JSON.stringify(value)}`)
    .digest();
  return hash.subarray(0, bytes).toString('base64url');
}
