import { affixOf, isAmbiguous, overlap, takes } from './affix.ts';
import { meaningOf } from './request-target.ts';
import type { PathPattern, PatternSegment } from './route.ts';

/** The parts of a route that a conflict depends on. */
interface Entry {
  readonly methods: readonly string[] | undefined;
  readonly host: string | undefined;
  readonly pattern: PathPattern;
}

/** Two routes, the earlier one first, and the index of the segment whose affixes take some of the same texts. */
export interface AffixConflict<R> {
  readonly first: R;
  readonly second: R;
  readonly at: number;
}

/** A segment in a form that is equal for segments that take the same: names of parameters do not count. */
export function shapeOfSegment(segment: PatternSegment): string | null | readonly [string, string] {
  if (segment.kind === 'param') return null;
  if (segment.kind === 'static') return meaningOf(segment.text);
  const { prefix, suffix } = affixOf(segment);
  return [prefix, suffix];
}

/**
 * Finds the routes that take some of the same requests by affixes, where neither affix is more specific: `/a{x}` and
 * `/{x}b` both take `/a1b`, and its price must not depend on how a table is searched.
 *
 * Only routes with the same front compete by their affixes: between others an earlier segment decides.
 */
export function* affixConflicts<R extends Entry>(routes: readonly R[]): Generator<AffixConflict<R>> {
  const byFront = new Map<string, { route: R; at: number }[]>();
  for (const route of routes) {
    const { segments } = route.pattern;
    for (let at = 0; at < segments.length; at += 1) {
      if (segments[at]?.kind !== 'affix') continue;
      const front = JSON.stringify([route.host ?? null, segments.slice(0, at).map(shapeOfSegment)]);
      const rivals = byFront.get(front) ?? [];
      for (const rival of rivals)
        if (rival.at === at && compete(rival.route, route, at)) yield { first: rival.route, second: route, at };
      rivals.push({ route, at });
      byFront.set(front, rivals);
    }
  }
}

function compete(one: Entry, other: Entry, at: number): boolean {
  const [ours, theirs] = [one.pattern.segments[at], other.pattern.segments[at]];
  if (ours?.kind !== 'affix' || theirs?.kind !== 'affix') return false;
  return isAmbiguous(affixOf(ours), affixOf(theirs)) && shareMethods(one, other) && shareTails(one, other, at + 1);
}

/** Whether some method is taken by both. */
export function shareMethods(
  { methods: one }: Pick<Entry, 'methods'>,
  { methods: other }: Pick<Entry, 'methods'>,
): boolean {
  if (one === undefined || other === undefined) return true;
  return answered(one).some((method) => answered(other).includes(method));
}

/** A `GET` route answers `HEAD` too. */
function answered(methods: readonly string[]): readonly string[] {
  return methods.includes('GET') ? [...methods, 'HEAD'] : methods;
}

function shareTails({ pattern: one }: Entry, { pattern: other }: Entry, from: number): boolean {
  const [ours, theirs] = [one.segments.slice(from), other.segments.slice(from)];
  const common = Math.min(ours.length, theirs.length);
  if (ours.length > common && !other.rest) return false;
  if (theirs.length > common && !one.rest) return false;
  return ours.slice(0, common).every((segment, index) => {
    const rival = theirs[index];
    return rival !== undefined && shareSegments(segment, rival);
  });
}

/** Whether some text is taken by both. */
export function shareSegments(one: PatternSegment, other: PatternSegment): boolean {
  if (one.kind === 'static' && other.kind === 'static') return meaningOf(one.text) === meaningOf(other.text);
  if (one.kind === 'affix' && other.kind === 'affix') return overlap(affixOf(one), affixOf(other));
  if (one.kind === 'affix' && other.kind === 'static') return takes(affixOf(one), meaningOf(other.text));
  if (one.kind === 'static' && other.kind === 'affix') return takes(affixOf(other), meaningOf(one.text));
  const literal = [one, other].find((segment) => segment.kind === 'static');
  return literal === undefined || literal.text !== '';
}
