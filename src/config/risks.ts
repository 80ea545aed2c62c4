import type { Plan } from '../domain/plan.ts';
import type { PathPattern, Route } from '../domain/route.ts';
import { isPriced, paidPrices, sellsPasses } from '../domain/route-price.ts';
import { serverName, type Upstream } from '../domain/upstream.ts';
import { inherited, soundValue } from './decoder.ts';
import type { GatewayFields } from './gateway-keys.ts';
import type { RouteFields } from './route-keys.ts';
import type { Place, Source } from './source.ts';

/** Methods that are meant to change nothing at the API (RFC 9110 §9.2.1). */
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
/** Methods whose forms frameworks read. */
const WITH_FORMS: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);
/** A host that no file names: reserved by RFC 2606. */
const ANOTHER_HOST = 'another.invalid';

/** What is priced and could be had for nothing, by the place in the file that lets it. */
type Leaks = Map<string, { readonly place: Place; readonly wrong: string; readonly right: string; more: number }>;

/**
 * Warns of a sound file that gives away what it prices, or loses it, when the API or a client does as they like: allowed,
 * since only the operator knows the API. Routes that share a cause are one warning.
 */
export function warnOfRisks(plan: Plan, gateway: GatewayFields, source: Source): void {
  const fields = (soundValue(gateway.routes) ?? []).flatMap((field) => soundValue(field) ?? []);
  const leaks: Leaks = new Map();
  const places = new Map(plan.routes.map((route, index) => [route, fields[index]?.path.place]));
  plan.routes.forEach((route, index) => {
    if (!isPriced(route)) return;
    findFreeTwins(route, plan, gateway, places, leaks);
    findFreeWork(route, fields[index], gateway, leaks);
    findLostSignIn(route, fields[index], plan, leaks);
    findLostSessions(route, fields[index], gateway, leaks);
    findFormKeys(route, fields[index], leaks);
  });
  for (const { place, wrong, right, more } of leaks.values()) {
    source.warn(place, more === 0 ? wrong : `${wrong}; the same holds for ${more} more`, right);
  }
  warnOfBlindness(plan, gateway, source);
  if (!plan.store.lasting && plan.routes.some(isPriced)) {
    source.warn(
      gateway.store.place,
      'memory forgets at exit which payments were used and which settlements were open',
      'a store that survives it, such as sqlite:./turnpike.db',
    );
  }
}

/** Another spelling of a priced path is another path here, and may be the same one to the API. */
function findFreeTwins(
  route: Route,
  plan: Plan,
  gateway: GatewayFields,
  places: ReadonlyMap<Route, Place | undefined>,
  leaks: Leaks,
): void {
  const method = route.methods?.[0] ?? 'GET';
  const path = samplePath(route.pattern);
  const note = (host: string, spelling: string, wrong: string, right: string): void => {
    const caught = plan.table.match(method, host, spelling);
    const { unmatched } = plan;
    if (caught === undefined) {
      if (unmatched.kind === 'pass' && sharesServer(unmatched.upstream, route.upstream))
        add(leaks, gateway.unmatched.place, wrong, right);
      return;
    }
    const place = places.get(caught);
    const isFree = !isPriced(caught) && sharesServer(caught.upstream, route.upstream);
    if (isFree && place !== undefined) add(leaks, place, wrong, right);
  };
  const host = route.host ?? ANOTHER_HOST;
  for (const spelling of spellingsOf(path, route.pattern)) {
    const wrong = `an API that ignores case or a final slash serves ${route.name} free of charge as ${spelling}`;
    note(host, spelling, wrong, 'free paths that name what is free, and unmatched: deny');
  }
  if (route.host === undefined) return;
  const wrong = `a client that sends another Host than ${route.host} gets ${path} free of charge`;
  note(ANOTHER_HOST, path, wrong, 'a price without a host as well, or unmatched: deny');
}

/** Settled after the upstream's answer, work is not paid for by a client that hangs up before it. */
function findFreeWork(route: Route, fields: RouteFields | undefined, gateway: GatewayFields, leaks: Leaks): void {
  if (paidPrices(route).every(({ settle }) => settle !== 'after') || route.idempotent || fields === undefined) return;
  const method = route.methods?.find((name) => !SAFE.has(name));
  if (method === undefined) return;
  const wrong = `a client that hangs up before the answer has ${route.name} carried out without paying for it`;
  add(leaks, inherited(fields.settle, gateway.settle).place, wrong, 'before, where the work costs or cannot be undone');
}

/** Signing in is bound to a name of ours: `Host` alone could be another site's, which would sign our visitors in as its own. */
function findLostSignIn(route: Route, fields: RouteFields | undefined, plan: Plan, leaks: Leaks): void {
  if (!plan.accessTokens.signIn || fields === undefined) return;
  if (plan.publicUrl !== undefined || route.host !== undefined) return;
  const why = 'there is no publicUrl to sign in under';
  if (sellsPasses(route)) {
    const wrong = `who bought a pass of ${route.name} can only come back with its token: ${why}`;
    add(leaks, fields.access.place, wrong, 'publicUrl, or accessTokens: { signIn: off }');
  }
  if (route.free?.by === 'payer') {
    const wrong = `nobody can use the free requests of ${route.name}: ${why}`;
    add(leaks, fields.free.place, wrong, 'publicUrl, a host on the route, or by: address');
  }
}

/** Most MCP servers keep their sessions in memory: another one answers 404, which few clients get over. */
function findLostSessions(
  { mcp, upstream: { servers } }: Route,
  fields: RouteFields | undefined,
  gateway: GatewayFields,
  leaks: Leaks,
): void {
  if (mcp === undefined || servers.length === 1 || fields === undefined) return;
  const { place } = inherited(fields.upstream, gateway.upstream);
  const wrong = 'a session of MCP lives in the server that began it, and its calls go to all of these servers in turn';
  add(leaks, place, wrong, 'one server, unless they keep no sessions');
}

/** PHP's `$_REQUEST`, Go's `FormValue`, Rails and servlets find a key also in a form. No price reads a form. */
function findFormKeys({ name, methods, prices }: Route, fields: RouteFields | undefined, leaks: Leaks): void {
  if (fields === undefined || methods?.every((method) => !WITH_FORMS.has(method)) === true) return;
  const subjects = prices.flatMap(({ when }) => when.map(({ subject }) => subject));
  const asked = subjects.find(({ kind }) => kind === 'query');
  if (asked?.kind !== 'query') return;
  const wrong = `an API that reads forms like the query finds ${asked.name} also in the body of ${name}, where no price sees it`;
  add(leaks, fields.prices.place, wrong, 'methods: [GET], unless the API reads the query alone');
}

/** A foreign transfer can be found only on the chain. */
function warnOfBlindness(plan: Plan, gateway: GatewayFields, source: Source): void {
  if (plan.foreignTransfers !== 'serve') return;
  const looks = plan.facilitators.some(({ kind, rpc }) => kind === 'local' || rpc.size > 0);
  if (looks) return;
  source.warn(
    gateway.foreignTransfers.place,
    'no facilitator here has a node that could find a transfer of somebody else: all are refused',
    'facilitator.rpc with the URL of a node, or refuse',
  );
}

function add(leaks: Leaks, place: Place, wrong: string, right: string): void {
  const key = `${place.path} ${right}`;
  const known = leaks.get(key);
  if (known === undefined) leaks.set(key, { place, wrong, right, more: 0 });
  else known.more += 1;
}

function samplePath({ segments, rest }: PathPattern): string {
  const texts = segments.map((segment) => (segment.kind === 'static' ? segment.text : segment.name));
  return `/${[...texts, ...(rest ? ['rest'] : [])].join('/')}`;
}

/** At most one of them, so that a route counts once: with the other case if it has letters of its own, or the slash. */
function spellingsOf(path: string, { segments, rest }: PathPattern): readonly string[] {
  if (!rest && path !== '/') return [`${path}/`];
  const literal = segments.find((segment) => segment.kind === 'static' && segment.text !== segment.text.toUpperCase());
  return literal === undefined ? [] : [path.toUpperCase()];
}

function sharesServer(one: Upstream, other: Upstream): boolean {
  if (one === other) return true;
  const names = new Set(other.servers.map(serverName));
  return one.servers.some((server) => names.has(serverName(server)));
}
