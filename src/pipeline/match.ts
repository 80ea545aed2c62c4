import { ENCODED_CHARACTERS, isBelowFront } from '../domain/encoded-path.ts';
import { hostName } from '../domain/host.ts';
import { parseRequestTarget, type TargetResult } from '../domain/request-target.ts';
import type { Route } from '../domain/route.ts';
import { isPreflight } from './cross-origin.ts';
import type { AcceptedHead } from './exchange.ts';

/** Longest resource URL that a 402 states: it goes into headers that must stay under 6 KB with all the rest. */
const MAX_RESOURCE_URL = 1024;

/** What a route is found by. */
type Asked = Pick<AcceptedHead, 'head' | 'runtime' | 'method' | 'path' | 'host'>;

/** Finds the route; a preflight is matched as the request that it asks about. */
export function matchRoute({ head, runtime, method, path, host }: Asked): Route | undefined {
  const { table } = runtime.plan;
  const name = hostName(host);
  const found = table.match(method, name, path);
  const asked = head.headers['access-control-request-method'];
  return found ?? (isPreflight(head) && asked !== undefined ? table.match(asked.toUpperCase(), name, path) : undefined);
}

/**
 * Reads a target that is refused unless its route allows what servers disagree about in it. The route is found by the
 * path as it stands, without decoding any of that; it stands below what the route is found by, and all that is below has
 * one price, so that however the API reads it, it reads something that costs as much.
 */
export function parseAllowedTarget(refused: TargetResult, asked: Omit<Asked, 'path'>): TargetResult {
  const read = parseRequestTarget(asked.head.target, ENCODED_CHARACTERS);
  if (!read.ok) return refused;
  const { path } = read.target;
  const route = matchRoute({ ...asked, path });
  if (route?.encoded === undefined || !isBelowFront(path, route.pattern.segments.length)) return refused;
  return parseRequestTarget(asked.head.target, route.encoded);
}

/** Characters of a query that do not stand in a URL and in JSON as they are. */
const ODD = /[^!#-;=?-[\]-~]/g;

/**
 * The URL that is being paid for. Where it is too long it is stated without its query, and a very long path by its
 * route's pattern.
 */
export function resourceUrlOf({ publicOrigin, path, query }: AcceptedHead, matched: Route): string {
  const url = publicOrigin + path;
  const whole = url + query.replace(ODD, escaped);
  if (whole.length <= MAX_RESOURCE_URL) return whole;
  return url.length <= MAX_RESOURCE_URL ? url : publicOrigin + matched.pattern.text;
}

/** Percent-encodes a character; queries hold printable ASCII alone. */
function escaped(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}
