import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePathPattern } from '../../src/config/path-pattern.ts';
import type { PatternSegment } from '../../src/domain/route.ts';
import { type Matchable, RouteTable } from '../../src/domain/route-table.ts';

const HOSTS = ['a.example', 'b.example'];
const METHODS = ['GET', 'HEAD', 'POST'];

/** How specific each segment of a pattern is, front to back; what comes first in this order decides. */
const STATIC = 100;
/** Plus the length of the literals. */
const AFFIX = 3;
const PARAM = 2;
const END = 1;
const REST = 0;

const word = fc.constantFrom('x', 'y', 'z');
const requestWord = fc.constantFrom('x', 'y', 'z', 'w', 'xw', 'wx', 'xyw', 'xwz', 'xyz', 'xx', 'xyx');
const patternText = fc
  .tuple(
    fc.array(fc.oneof(word, fc.constantFrom(':p', 'x{p}', '{p}x', 'xy{p}', 'x{p}z')), { maxLength: 4 }),
    fc.boolean(),
  )
  .map(([parts, rest]) => {
    const named = parts.map((part, index) => part.replace(/p/, `p${index}`));
    return `/${[...named, ...(rest ? ['*'] : [])].join('/')}`;
  });
const aRoute = fc
  .record({
    text: patternText,
    host: fc.option(fc.constantFrom(...HOSTS), { nil: undefined }),
    methods: fc.option(fc.subarray(METHODS, { minLength: 1 }), { nil: undefined }),
  })
  .map(({ text, host, methods }): Matchable => {
    const parsed = parsePathPattern(text);
    if (!parsed.ok) throw new Error(parsed.wrong);
    return { host, methods, pattern: parsed.value };
  });
const path = fc
  .tuple(fc.array(requestWord, { maxLength: 5 }), fc.boolean())
  .map(([parts, slash]) => `/${parts.join('/')}${slash && parts.length > 0 ? '/' : ''}`);
const request = fc.record({
  method: fc.constantFrom(...METHODS, 'PUT'),
  host: fc.constantFrom(...HOSTS, 'c.example'),
  path,
});

/** The rank of a route for a request, as a list to be compared front to back; `undefined` when it does not match. */
function rank(route: Matchable, method: string, host: string, requestPath: string): number[] | undefined {
  if (route.host !== undefined && route.host !== host) return undefined;
  const ofMethod = methodRank(route.methods, method);
  if (ofMethod === undefined) return undefined;
  const given = requestPath.slice(1).split('/');
  const { segments, rest } = route.pattern;
  const ranks: number[] = [];
  for (const [index, segment] of segments.entries()) {
    const text = given[index];
    if (text === undefined) return undefined;
    const ofSegment = segmentRank(segment, text);
    if (ofSegment === undefined) return undefined;
    ranks.push(ofSegment);
  }
  if (!rest && given.length > segments.length) return undefined;
  return [route.host === undefined ? 0 : 1, ...ranks, rest ? REST : END, ofMethod];
}

function segmentRank(segment: PatternSegment, text: string): number | undefined {
  if (segment.kind === 'static') return segment.text === text ? STATIC : undefined;
  if (segment.kind === 'param') return text === '' ? undefined : PARAM;
  const literals = segment.prefix.length + segment.suffix.length;
  const fits = new RegExp(`^${segment.prefix}.+${segment.suffix}$`).test(text);
  return fits ? AFFIX + literals : undefined;
}

function methodRank(methods: readonly string[] | undefined, method: string): number | undefined {
  if (methods === undefined) return 0;
  if (methods.includes(method)) return 2;
  return method === 'HEAD' && methods.includes('GET') ? 1 : undefined;
}

function compare(one: readonly number[], other: readonly number[]): number {
  for (const [index, value] of one.entries()) {
    const difference = value - (other[index] ?? -1);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Looks at every route: slow, and too simple to be wrong in the same way. */
function matchNaively(routes: readonly Matchable[], method: string, host: string, requestPath: string) {
  let best: { route: Matchable; ranks: number[] } | undefined;
  for (const route of routes) {
    const ranks = rank(route, method, host, requestPath);
    if (ranks !== undefined && (best === undefined || compare(ranks, best.ranks) > 0)) best = { route, ranks };
  }
  return best?.route;
}

const shuffledRoutes = fc
  .array(aRoute, { minLength: 1, maxLength: 12 })
  .filter((routes) => new RouteTable(routes).conflicts.length === 0)
  .chain((routes) =>
    fc.tuple(fc.constant(routes), fc.shuffledSubarray(routes, { minLength: routes.length, maxLength: routes.length })),
  );

describe('the route table', () => {
  it('finds what a look at every route finds, whatever the order of the file', () => {
    fc.assert(
      fc.property(shuffledRoutes, request, ([routes, shuffled], { method, host, path: requestPath }) => {
        const expected = matchNaively(routes, method, host, requestPath);
        expect(new RouteTable(routes).match(method, host, requestPath)).toBe(expected);
        expect(new RouteTable(shuffled).match(method, host, requestPath)).toBe(expected);
      }),
      { numRuns: 3000 },
    );
  });

  it('reports a conflict exactly where some request would find two equal routes', () => {
    fc.assert(
      fc.property(aRoute, aRoute, (one, other) => {
        const takesPart = [one, other].some(({ pattern }) => pattern.segments.some(({ kind }) => kind === 'affix'));
        fc.pre(!takesPart);
        const shape = ({ host, pattern }: Matchable) =>
          JSON.stringify([host ?? null, pattern.rest, pattern.segments.map((s) => (s.kind === 'static' ? s.text : 0))]);
        const methods = ({ methods: named }: Matchable) => named ?? ['any'];
        const clash = shape(one) === shape(other) && methods(one).some((method) => methods(other).includes(method));
        expect(new RouteTable([one, other]).conflicts).toHaveLength(clash ? 1 : 0);
      }),
      { numRuns: 2000 },
    );
  });
});
