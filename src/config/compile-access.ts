import { createHash } from 'node:crypto';
import type { AccessTerms } from '../domain/access.ts';
import { assetId, type NetworkFamilies } from '../domain/network-family.ts';
import type { Offer } from '../domain/offer.ts';
import type { PassScope } from '../domain/pass.ts';
import type { PatternSegment, Route, RoutePrice } from '../domain/route.ts';
import type { AccessDraft } from './access-keys.ts';
import { inherited, soundValue } from './decoder.ts';
import type { GatewayFields } from './gateway-keys.ts';
import type { RouteFields } from './route-keys.ts';
import type { Place, Source } from './source.ts';

/** A compiled route next to what the file says of it. */
export interface CompiledRoute {
  readonly route: Route;
  readonly fields: RouteFields;
}

/** A priced route that sells passes. */
interface Seller {
  readonly route: Route;
  /** What it costs, without who is paid: an operator's new wallet takes nothing from passes that were sold. */
  readonly cost: string;
  /** What it costs and who is paid. */
  readonly ways: string;
  readonly draft: AccessDraft;
  readonly place: Place;
}

/**
 * Gives the routes with `access` their terms. Routes of one group share their passes, so that a pass of the cheapest
 * would open the dearest: they have to cost and to sell the same.
 */
export function compileAccess(
  compiled: readonly CompiledRoute[],
  gateway: GatewayFields,
  families: NetworkFamilies,
  source: Source,
): readonly Route[] {
  const byScope = new Map<PassScope, Seller[]>();
  const scopeOf = new Map<Route, Seller[]>();
  for (const { route, fields } of compiled) {
    const draft = soundValue(fields.access);
    if (draft === undefined) continue;
    const offers = saleOffers(route.price, fields, gateway, source);
    if (offers === undefined) continue;
    const scope: PassScope = draft.group === undefined ? `route:${route.name}` : `group:${draft.group}`;
    const sellers = byScope.get(scope) ?? [];
    byScope.set(scope, sellers);
    const [cost, ways] = [costText(offers, false, families), costText(offers, true, families)];
    sellers.push({ route, cost, ways, draft, place: fields.access.place });
    scopeOf.set(route, sellers);
  }
  for (const sellers of byScope.values()) checkSame(sellers, source);
  const soldBy = new Map([...byScope].map(([scope, sellers]) => [sellers, termsOf(scope, sellers)] as const));
  return compiled.map(({ route }) => {
    const sellers = scopeOf.get(route);
    const terms = sellers && soldBy.get(sellers);
    return terms === undefined ? route : withAccess(route, terms, commonPath(sellers ?? []));
  });
}

function saleOffers(
  price: RoutePrice,
  fields: RouteFields,
  gateway: GatewayFields,
  source: Source,
): readonly Offer[] | undefined {
  const { place } = fields.access;
  if (price.kind === 'free') {
    source.report(place, 'access has no effect on a free route', 'a price, or the key left out');
    return undefined;
  }
  if (soundValue(inherited(fields.settle, gateway.settle)) === 'deferred') {
    const wrong = 'with settle: deferred the pass would be out before the money moved';
    source.report(place, wrong, 'settle: after or before on this route');
    return undefined;
  }
  return price.offers;
}

function checkSame([first, ...others]: readonly Seller[], source: Source): void {
  if (first === undefined) return;
  for (const other of others) {
    const sibling = `${first.place.path} (${first.route.name})`;
    if (!isSameSale(first.draft, other.draft))
      source.report(
        other.place,
        `the pass differs from that of ${sibling}, which is in the same group`,
        'the same for and requests, or a scope of its own',
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
  return a.forMs === b.forMs && a.requests === b.requests;
}

function withAccess(route: Route, terms: AccessTerms, path: string): Route {
  const price: RoutePrice =
    route.price.kind === 'free'
      ? route.price
      : { ...route.price, offers: route.price.offers.map((offer) => ({ ...offer, access: terms })) };
  return { ...route, price, access: { terms, fingerprint: fingerprintOf(route), path } };
}

function termsOf(scope: PassScope, sellers: readonly Seller[]): AccessTerms | undefined {
  const [first] = sellers;
  if (first === undefined) return undefined;
  const { forMs, requests } = first.draft;
  const opens = sellers.map(({ route }) => fingerprintOf(route)).sort();
  const version = digest('terms', [scope, first.cost, forMs ?? null, requests ?? null, opens], 9);
  return { scope, opens, version, forMs, requests };
}

/** What a route is, whatever it costs: a pass opens exactly the requests that it was sold for. */
function fingerprintOf({ name, methods, host, pattern }: Route): string {
  const shape = pattern.segments.map((segment) => shapeOf(segment));
  return digest('route', [name, [...(methods ?? [])].sort(), host ?? null, shape, pattern.rest], 12);
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
  const fronts = sellers.map(({ route }) => literalFront(route));
  const [first = []] = fronts;
  const end = first.findIndex((segment, index) => fronts.some((front) => front[index] !== segment));
  return `/${first.slice(0, end === -1 ? undefined : end).join('/')}`;
}

function literalFront({ pattern }: Route): readonly string[] {
  const front: string[] = [];
  for (const segment of pattern.segments) {
    if (segment.kind !== 'static') break;
    front.push(segment.text);
  }
  return front;
}

function digest(what: string, value: unknown, bytes: number): string {
  const hash = createHash('sha256')
    .update(`turnpike ${what}\n${JSON.stringify(value)}`)
    .digest();
  return hash.subarray(0, bytes).toString('base64url');
}
