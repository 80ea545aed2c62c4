import { type Affix, affixOf, compareAffixes, takes } from './affix.ts';
import { affixConflicts } from './affix-conflicts.ts';
import { meaningOf } from './request-target.ts';
import type { PathPattern, PatternSegment } from './route.ts';

/** What the table needs to know of an entry. */
export interface Matchable {
  readonly methods: readonly string[] | undefined;
  readonly host: string | undefined;
  readonly pattern: PathPattern;
}

/** One segment position of the tree. Walking it costs the length of the path, whatever the number of routes. */
interface Node<R> {
  /** Made with its first entry: an empty map is the greater part of a leaf, and most nodes are leaves. */
  statics: Map<string, Node<R>> | undefined;
  /** Most specific first. */
  affixes: { readonly affix: Affix; readonly node: Node<R> }[] | undefined;
  param: Node<R> | undefined;
  /** Routes whose pattern ends exactly here. */
  exact: MethodSet<R> | undefined;
  /** Routes whose pattern ends here with `/*`. */
  rest: MethodSet<R> | undefined;
}

/** The routes of one pattern by method; `any` serves the methods that have no route of their own. */
interface MethodSet<R> {
  byMethod: Map<string, R> | undefined;
  any: R | undefined;
}

/** A found pair of routes that match the same requests. */
export interface RouteConflict<R> {
  readonly first: R;
  readonly second: R;
}

/**
 * The price table as a tree of path segments: the most specific route wins whatever the order of the file. A host
 * beats none, a literal segment beats `{name}.json`, more literal text beats less, both beat `:name`, `:name` beats
 * `/*`; a route for the method beats one for all methods.
 *
 * Literal segments are compared by what they mean: `%40me` is `@me`, as most APIs read it. Compared as written, an
 * escape would bypass a priced route, to a cheaper `/*`. The path itself is forwarded as it came.
 *
 * No pattern becomes a regular expression, so that no request can make matching slow.
 */
export class RouteTable<R extends Matchable> {
  readonly conflicts: readonly RouteConflict<R>[];
  readonly #anyHost: Node<R> = emptyNode();
  readonly #byHost = new Map<string, Node<R>>();

  constructor(routes: readonly R[]) {
    const conflicts: RouteConflict<R>[] = [];
    for (const route of routes) {
      const set = this.#methodSetFor(route);
      for (const method of route.methods ?? [undefined]) {
        const first = method === undefined ? set.any : set.byMethod?.get(method);
        if (first === undefined) putRoute(set, method, route);
        else if (!conflicts.some((known) => known.second === route)) conflicts.push({ first, second: route });
      }
    }
    const told = new Set(conflicts.map(({ second }) => second));
    for (const { first, second } of affixConflicts(routes)) {
      if (!told.has(second)) conflicts.push({ first, second });
      told.add(second);
    }
    this.conflicts = conflicts;
  }

  /**
   * Finds the route of a request, or `undefined`.
   *
   * @param method upper-case; `HEAD` is served by a `GET` route where no route names `HEAD`
   * @param host lower-case, without port
   * @param path canonical path as {@link parseRequestTarget} made it, beginning with `/`
   */
  match(method: string, host: string, path: string): R | undefined {
    const forHost = this.#byHost.get(host);
    return (forHost && find(forHost, path, 1, method)) ?? find(this.#anyHost, path, 1, method);
  }

  #methodSetFor(route: R): MethodSet<R> {
    let node = route.host === undefined ? this.#anyHost : getOrPut(this.#byHost, route.host, emptyNode<R>);
    for (const segment of route.pattern.segments) node = childFor(node, segment);
    if (route.pattern.rest) {
      node.rest ??= { byMethod: undefined, any: undefined };
      return node.rest;
    }
    node.exact ??= { byMethod: undefined, any: undefined };
    return node.exact;
  }
}

function emptyNode<R>(): Node<R> {
  return { statics: undefined, affixes: undefined, param: undefined, exact: undefined, rest: undefined };
}

function childFor<R>(node: Node<R>, segment: PatternSegment): Node<R> {
  if (segment.kind === 'static') {
    node.statics ??= new Map();
    return getOrPut(node.statics, meaningOf(segment.text), emptyNode<R>);
  }
  if (segment.kind === 'affix') return affixChildFor(node, affixOf(segment));
  node.param ??= emptyNode();
  return node.param;
}

function affixChildFor<R>(node: Node<R>, affix: Affix): Node<R> {
  const known = node.affixes?.find((child) => compareAffixes(child.affix, affix) === 0);
  if (known !== undefined) return known.node;
  const child = { affix, node: emptyNode<R>() };
  node.affixes = [...(node.affixes ?? []), child].sort((one, other) => compareAffixes(one.affix, other.affix));
  return child.node;
}

function putRoute<R>(set: MethodSet<R>, method: string | undefined, route: R): void {
  if (method === undefined) set.any = route;
  else {
    set.byMethod ??= new Map();
    set.byMethod.set(method, route);
  }
}

/**
 * Depth-first, most specific branch first. A node has one place in the tree and is entered at most once, so that the
 * walk is bounded by the table and not by the request.
 *
 * @param from where the next segment of `path` begins; beyond its end when there is none
 */
function find<R>(node: Node<R>, path: string, from: number, method: string): R | undefined {
  if (from > path.length) return pick(node.exact, method) ?? pick(node.rest, method);
  const slash = path.indexOf('/', from);
  const end = slash === -1 ? path.length : slash;
  const segment = meaningOf(path.slice(from, end));
  const literal = node.statics?.get(segment);
  const found =
    (literal && find(literal, path, end + 1, method)) ??
    (node.affixes && findAmongAffixes(node.affixes, segment, path, end + 1, method)) ??
    (node.param && end > from ? find(node.param, path, end + 1, method) : undefined);
  return found ?? pick(node.rest, method);
}

function findAmongAffixes<R>(
  affixes: NonNullable<Node<R>['affixes']>,
  segment: string,
  path: string,
  next: number,
  method: string,
): R | undefined {
  for (const { affix, node } of affixes) {
    const found = takes(affix, segment) ? find(node, path, next, method) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

function pick<R>(set: MethodSet<R> | undefined, method: string): R | undefined {
  if (set === undefined) return undefined;
  const own = set.byMethod?.get(method) ?? (method === 'HEAD' ? set.byMethod?.get('GET') : undefined);
  return own ?? set.any;
}

function getOrPut<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
