import { shapeOfSegment } from '../domain/affix-conflicts.ts';
import type { Route } from '../domain/route.ts';
import { type Matchable, RouteTable } from '../domain/route-table.ts';
import type { Upstream } from '../domain/upstream.ts';
import { ChallengeLengths } from './challenge-lengths.ts';
import { type CompiledRoute, compileAccess } from './compile-access.ts';
import { compileAnswers } from './compile-answers.ts';
import { compileDiscovery } from './compile-discovery.ts';
import { checkEncoded, encodedCharacters } from './compile-encoded.ts';
import { mcpTerms } from './compile-mcp.ts';
import { compilePriceList } from './compile-price-list.ts';
import { compileProtocols } from './compile-protocols.ts';
import { checkUnpaid } from './compile-unpaid.ts';
import { inherited, soundValue } from './decoder.ts';
import { valuesOf } from './forms.ts';
import type { GatewayFields } from './gateway-keys.ts';
import type { OfferInputs } from './offers.ts';
import { METHODS, type RouteFields } from './route-keys.ts';
import { SharedSegments } from './shared-segments.ts';
import type { Place, Source } from './source.ts';

/** Where the gateway waits for an upstream that the file does not name; only used while there are problems anyway. */
const FALLBACK_TIMEOUT_MS = 30_000;
/** A route's way to match, kept even when the rest of the route is wrong. */
interface Entry extends Matchable {
  readonly place: Place;
  readonly name: string;
  /** Whether the file gives the name; else it is made from methods, host and path. */
  readonly named: boolean;
}

/** Compiles the price table. What is sound of a route with problems still takes part in the checks between routes. */
export function compileRoutes(gateway: GatewayFields, inputs: OfferInputs, source: Source): readonly Route[] {
  const entries: Entry[] = [];
  const routes: CompiledRoute[] = [];
  const names = new Map<string, Place>();
  const lengths = new ChallengeLengths(gateway, source);
  const segments = new SharedSegments();
  for (const field of soundValue(gateway.routes) ?? []) {
    if (field.kind !== 'value') continue;
    const entry = matchEntry(field.value, segments);
    if (entry !== undefined) entries.push(entry);
    const name = soundValue(field.value.name);
    if (name !== undefined) claimName(name, field.value.name.place, names, source);
    const compiled = compileRoute(field.value, entry, gateway, inputs, lengths, source);
    if (compiled !== undefined) routes.push(compiled);
  }
  lengths.warn();
  checkConflicts(entries, source);
  checkCovered(entries, source);
  for (const entry of entries) if (!entry.named) checkDefaultName(entry, names, source);
  const whole = compileAccess(routes, gateway, inputs.families, source);
  checkEncoded(whole, (index) => routes[index]?.place, source);
  return whole;
}

function matchEntry(fields: RouteFields, segments: SharedSegments): Entry | undefined {
  const { path, methods, host } = fields;
  if (path.kind !== 'value' || methods.kind === 'invalid' || host.kind === 'invalid') return undefined;
  const given = soundValue(methods);
  const listed = given && valuesOf(given);
  if (listed?.length !== given?.length) return undefined;
  const byDefault = [listed?.join(','), `${soundValue(host) ?? ''}${path.value.text}`]
    .filter((part) => part !== undefined)
    .join(' ');
  const name = soundValue(fields.name) ?? byDefault;
  return {
    place: path.place,
    name,
    named: fields.name.kind !== 'absent',
    methods: listed,
    host: soundValue(host),
    pattern: segments.in(path.value),
  };
}

function compileRoute(
  fields: RouteFields,
  entry: Entry | undefined,
  gateway: GatewayFields,
  inputs: OfferInputs,
  lengths: ChallengeLengths,
  source: Source,
): CompiledRoute | undefined {
  checkMethodsOnce(fields, source);
  const target = inherited(fields.upstream, gateway.upstream);
  if (target.kind === 'absent')
    source.report(
      entry?.place ?? target.place,
      'the route goes nowhere: there is no upstream',
      'upstream, here or for the whole file',
    );
  const upstream = soundValue(target);
  const timeoutMs = soundValue(fields.timeout) ?? upstream?.timeoutMs ?? FALLBACK_TIMEOUT_MS;
  const place = entry?.place ?? fields.path.place;
  const times = { timeoutMs, totalTimeoutMs: upstream?.totalTimeoutMs };
  const listed = compilePriceList({ name: entry?.name ?? '', place, fields, gateway, inputs, ...times }, source);
  const prices = (listed ?? []).map(({ price }) => price);
  checkRewrite(fields, source);
  checkUnpaid(fields, prices, gateway, source);
  const answers = compileAnswers(fields, prices, gateway, source);
  for (const { price, fields: own } of listed ?? [])
    if (price.kind === 'priced') lengths.check(fields, own, price, answers.identifier);
  if (entry === undefined || upstream === undefined || listed === undefined) return undefined;
  const route: Route = {
    name: entry.name,
    methods: entry.methods,
    host: entry.host,
    pattern: entry.pattern,
    prices,
    mcp: mcpTerms(fields, prices),
    keys: soundValue(fields.keys),
    free: soundValue(fields.free),
    mimeType: soundValue(fields.mimeType),
    ...compileDiscovery(fields, gateway, source),
    encoded: encodedCharacters(fields, source),
    upstream,
    rewrite: soundValue(fields.rewrite),
    timeoutMs,
    ...answers,
    protocols: compileProtocols(fields, prices, gateway, source),
  };
  return { route, place: entry.place, fields: listed.map(({ fields: own }) => own) };
}

function claimName(name: string, place: Place, names: Map<string, Place>, source: Source): void {
  if (names.has(name)) source.report(place, `another route has the name ${name}`, 'a name of its own');
  else names.set(name, place);
}

/** A route named like another's default name would share its metrics and its rows in the ledger. */
function checkDefaultName(entry: Entry, names: ReadonlyMap<string, Place>, source: Source): void {
  const taken = names.get(entry.name);
  if (taken !== undefined)
    source.report(taken, `the name ${entry.name} is what another route is called by default`, 'another name');
}

function checkMethodsOnce(fields: RouteFields, source: Source): void {
  const seen = new Set<string>();
  for (const method of soundValue(fields.methods) ?? []) {
    if (method.kind !== 'value') continue;
    if (seen.has(method.value))
      source.report(method.place, `the method ${method.value} is listed twice`, 'each method once');
    seen.add(method.value);
  }
}

function checkConflicts(entries: readonly Entry[], source: Source): void {
  for (const { first, second } of new RouteTable(entries).conflicts) {
    // A method that one route lists twice is reported as that.
    if (first === second) continue;
    source.report(
      second.place,
      `the route matches the same requests as ${first.place.path} (${first.name})`,
      'another path, host or methods',
    );
  }
}

/** Finds routes for every method whose methods all have a route of their own: they can never match. */
function checkCovered(entries: readonly Entry[], source: Source): void {
  const byPattern = new Map<string, { any: Entry[]; methods: Set<string> }>();
  for (const entry of entries) {
    const key = shapeOf(entry);
    const group = byPattern.get(key) ?? { any: [], methods: new Set() };
    byPattern.set(key, group);
    if (entry.methods === undefined) group.any.push(entry);
    for (const method of entry.methods ?? []) group.methods.add(method);
  }
  for (const { any, methods } of byPattern.values()) {
    if (!METHODS.every((method) => methods.has(method) || (method === 'HEAD' && methods.has('GET')))) continue;
    for (const entry of any)
      source.report(
        entry.place,
        'the route can never match: other routes take every method of this path',
        'the methods that are meant',
      );
  }
}

/** Equal for routes that differ in nothing but methods and names of parameters; escapes count as what they mean. */
function shapeOf({ host, pattern }: Entry): string {
  const segments = pattern.segments.map(shapeOfSegment);
  return JSON.stringify([host ?? null, segments, pattern.rest]);
}

/** A rewrite whose front the path does not begin with would silently do nothing. */
function checkRewrite(fields: RouteFields, source: Source): void {
  const rewrite = soundValue(fields.rewrite);
  const pattern = soundValue(fields.path);
  if (rewrite === undefined || pattern === undefined) return;
  const literal = pattern.segments.findIndex((segment) => segment.kind !== 'static');
  const fixed = pattern.segments
    .slice(0, literal === -1 ? undefined : literal)
    .map((segment) => (segment.kind === 'static' ? segment.text : ''));
  const front = `/${fixed.join('/')}/`.replace('//', '/');
  if (front.startsWith(rewrite.from === '/' ? '/' : `${rewrite.from}/`)) return;
  source.report(
    fields.rewrite.place,
    `the path ${pattern.text} does not begin with ${rewrite.from}`,
    'from: a front of the path, in whole segments',
  );
}

/** The upstream of `unmatched: pass`. */
export function passUpstream(gateway: GatewayFields, source: Source): Upstream | undefined {
  if (soundValue(gateway.unmatched) !== 'pass') return undefined;
  if (gateway.upstream.kind === 'absent') {
    source.report(
      gateway.unmatched.place,
      'unmatched requests would go nowhere: there is no upstream',
      'deny, or an upstream for the whole file',
    );
  }
  return soundValue(gateway.upstream);
}
