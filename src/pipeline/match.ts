import { refuseMethodKey } from '../content/head-facts.ts';
import { ENCODED_CHARACTERS, isBelowFront } from '../domain/encoded-path.ts';
import { hostName } from '../domain/host.ts';
import { parseRequestTarget, type TargetResult } from '../domain/request-target.ts';
import type { Route } from '../domain/route.ts';
import { isPreflight } from './cross-origin.ts';
import type { AcceptedHead } from './exchange.ts';

/** Longest resource URL in a 402: it goes into headers that must stay below 6 KB together. */
const MAX_RESOURCE_URL = 1024;

/** The facts that a route is found by. */
type Asked = Pick<AcceptedHead, 'head' | 'runtime' | 'method' | 'path' | 'query' | 'host'>;

/** Methods that some APIs give a POST that names one of them in its query. */
const OTHER_METHODS = ['GET', 'PUT', 'PATCH', 'DELETE'];

/**
 * Finds the route of a request; for a preflight, the route of the request that it asks about.
 *
 * @throws GatewayError `request_ambiguous` for a POST that asks for another method, where that has another route
 */
export function matchRoute({ head, runtime, method, path, query, host }: Asked): Route | undefined {
  const { table } = runtime.plan;
  const name = hostName(host);
  const found = table.match(method, name, path);
  const mayOverride = method === 'POST' && query !== '';
  if (mayOverride && OTHER_METHODS.some((other) => table.match(other, name, path) !== found)) refuseMethodKey(query);
  const asked = head.headers['access-control-request-method'];
  return found ?? (isPreflight(head) && asked !== undefined ? table.match(asked.toUpperCase(), name, path) : undefined);
}

/**
 * Reads a target with characters that servers read differently, if its route allows them (`encoded`). The route is
 * found by the path as sent, with none of them decoded. The allowed part stands below the route's prefix, and
 * everything there has one price: however the API reads it, the price is right.
 */
export function parseAllowedTarget(refused: TargetResult, asked: Omit<Asked, 'path' | 'query'>): TargetResult {
  const read = parseRequestTarget(asked.head.target, ENCODED_CHARACTERS);
  if (!read.ok) return refused;
  const { path, query } = read.target;
  const route = matchRoute({ ...asked, path, query });
  if (route?.encoded === undefined || !isBelowFront(path, route.pattern.segments.length)) return refused;
  return parseRequestTarget(asked.head.target, route.encoded);
}

/** Characters of a query that cannot stand as they are in a URL and in JSON. */
const ODD = /[^!#-;=?-[\]-~]/g;

/**
 * The URL that is paid for. A URL that is too long is stated without its query, and a path that is too long by its
 * route's pattern.
 */
export function resourceUrlOf({ publicOrigin, path, query }: AcceptedHead, matched: Route): string {
  const url = publicOrigin + path;
  const whole = query === '' ? url : url + query.replace(ODD, escaped);
  if (whole.length <= MAX_RESOURCE_URL) return whole;
  return url.length <= MAX_RESOURCE_URL ? url : publicOrigin + matched.pattern.text;
}

/** Percent-encodes a character; queries hold only printable ASCII. */
function escaped(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}
