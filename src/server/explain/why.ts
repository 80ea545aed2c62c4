import type { PatternSegment, Route } from '../../domain/route.ts';
import { RouteTable } from '../../domain/route-table.ts';

/** The facts that routes are matched by. */
export interface Subject {
  readonly method: string;
  /** Without port. */
  readonly host: string;
  /** Canonical. */
  readonly path: string;
}

/** More routes than a person reads; a table may have thousands. */
const MOST_SHOWN = 5;

/** Why a route took the request: by its host, by each segment, by its method, and before which other routes. */
export function whyMatched(route: Route, routes: readonly Route[], subject: Subject): readonly string[] {
  const others = routes.filter((other) => other !== route && matches(other, subject));
  return [
    route.host === undefined ? 'the route takes every host' : `the host is ${route.host}`,
    ...whySegments(route, subject.path),
    whyMethod(route, subject.method),
    ...shorten(others).map(
      (other) => `before ${other.name}, which matches too: ${whyBefore(route, other, subject.path)}`,
    ),
  ];
}

/** Why no route took the request: the routes that differ in their method or host only. */
export function whyUnmatched(routes: readonly Route[], subject: Subject): readonly string[] {
  const anyMethod = routes.filter((route) => matches({ ...route, methods: undefined }, subject));
  const anyHost = routes.filter(
    (route) => !anyMethod.includes(route) && matches({ ...route, host: undefined }, subject),
  );
  const near = [
    ...shorten(anyMethod).map((route) => `${route.name} has the path, but takes only ${route.methods?.join(', ')}`),
    ...shorten(anyHost).map((route) => `${route.name} has the path, but takes only the host ${route.host}`),
  ];
  return near.length > 0 ? near : [`no route has the path ${subject.path}`];
}

function matches(route: Route, { method, host, path }: Subject): boolean {
  return new RouteTable([route]).match(method, host, path) !== undefined;
}

function whySegments({ pattern }: Route, path: string): readonly string[] {
  const given = path.slice(1).split('/');
  const reasons = pattern.segments.map((segment, index) => whySegment(segment, given[index] ?? ''));
  if (!pattern.rest) return reasons;
  const rest = given.slice(pattern.segments.length).map((segment) => `/${segment}`);
  return [...reasons, rest.length === 0 ? '/* takes the bare prefix' : `/* takes ${JSON.stringify(rest.join(''))}`];
}

function whySegment(segment: PatternSegment, given: string): string {
  if (segment.kind === 'static') return `/${segment.text} is literal`;
  const name = segment.kind === 'param' ? `:${segment.name}` : `${segment.prefix}{${segment.name}}${segment.suffix}`;
  return `${name} takes ${JSON.stringify(given)}`;
}

function whyMethod({ methods }: Route, method: string): string {
  if (methods === undefined) return 'the route takes every method';
  return methods.includes(method) ? `the route takes ${method}` : 'the route takes GET, which answers HEAD too';
}

/** The first point in which the winner is more specific. */
function whyBefore(route: Route, other: Route, path: string): string {
  if (route.host !== undefined && other.host === undefined) return 'a host beats none';
  const length = path.split('/').length;
  for (let index = 0; index < length; index += 1) {
    const [ours, theirs] = [kindAt(route, index), kindAt(other, index)];
    if (ours !== theirs) return `${ours} beats ${theirs}`;
  }
  return 'a route for the method beats one for all';
}

function kindAt({ pattern }: Route, index: number): string {
  const segment = pattern.segments[index];
  if (segment === undefined) return pattern.rest ? '/*' : 'the end of the path';
  if (segment.kind === 'static') return 'a literal segment';
  return segment.kind === 'param' ? ':name' : `${segment.prefix}{name}${segment.suffix}`;
}

function shorten(routes: readonly Route[]): readonly Route[] {
  return routes.slice(0, MOST_SHOWN);
}
