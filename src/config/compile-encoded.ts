import { isDeepStrictEqual } from 'node:util';
import { shareMethods, shareSegments } from '../domain/affix-conflicts.ts';
import type { EncodedCharacter } from '../domain/encoded-path.ts';
import type { Route } from '../domain/route.ts';
import type { RoutePrice } from '../domain/route-price.ts';
import { soundValue } from './decoder.ts';
import { valuesOf } from './forms.ts';
import type { RouteFields } from './route-keys.ts';
import type { Place, Source } from './source.ts';

/** What a route's paths may hold of what is refused elsewhere; `undefined` for nothing. */
export function encodedCharacters(fields: RouteFields, source: Source): readonly EncodedCharacter[] | undefined {
  const given = soundValue(fields.encoded);
  if (given === undefined) return undefined;
  const listed = valuesOf(given);
  const { place } = fields.encoded;
  const path = soundValue(fields.path);
  if (path !== undefined && !path.rest) {
    const [wrong, right] = ['what comes after such a character may be anything below', `${path.text}/*`];
    source.report(place, `the path ${path.text} has no /* at its end: ${wrong}`, `a path such as ${right}`);
  }
  const { from, to } = soundValue(fields.rewrite) ?? { from: '/', to: '/rest' };
  // The path would begin with //, which some take for a host.
  if (listed.includes('empty') && to === '/' && path !== undefined && from === frontOf(path.text))
    source.report(
      place,
      'empty segments would begin the path that is forwarded',
      'rewrite.to with a segment, or no empty',
    );
  return listed;
}

/**
 * A server that decodes what the gateway does not may find any path below, so that all of them must cost the same: a
 * dearer one would be had for the cheaper price.
 *
 * @param placeOf the place of a route's path, by its index
 */
export function checkEncoded(
  routes: readonly Route[],
  placeOf: (index: number) => Place | undefined,
  source: Source,
): void {
  for (const [index, route] of routes.entries()) {
    if (route.encoded === undefined || !route.pattern.rest) continue;
    const other = routes.find((each) => each !== route && liesBelow(each, route) && !costsAsMuch(each, route));
    const place = placeOf(index);
    if (other === undefined || place === undefined) continue;
    source.report(
      place,
      `an API that decodes ${route.encoded.join(' or ')} may read a path of this route as one of ${other.pattern.text} (${other.name}), which has a price of its own`,
      'one price for everything below, or no encoded',
    );
  }
}

/**
 * Whether the table would find `other` for some path that begins as those of `route` do. A route without a host gives way
 * to all that have one; routes with a shorter path give way, or win, by the front alone, whatever comes behind it.
 */
function liesBelow(other: Route, route: Route): boolean {
  if (route.host !== undefined && other.host !== route.host) return false;
  if (!shareMethods(other, route)) return false;
  const [front, theirs] = [route.pattern.segments, other.pattern.segments];
  if (theirs.length < front.length) return false;
  return front.every((segment, index) => {
    const rival = theirs[index];
    return rival !== undefined && shareSegments(segment, rival);
  });
}

function costsAsMuch(one: Route, other: Route): boolean {
  if (one.enforcePercent !== other.enforcePercent || !isDeepStrictEqual(one.mcp, other.mcp)) return false;
  return isDeepStrictEqual(one.prices.map(termsOf), other.prices.map(termsOf));
}

/** All of a price that decides what is paid for what; not what it is called. */
function termsOf(price: RoutePrice): object {
  const { id: _id, description: _description, ...terms } = price;
  return terms;
}

function frontOf(text: string): string {
  return text.replace(/\/\*$/, '') || '/';
}
