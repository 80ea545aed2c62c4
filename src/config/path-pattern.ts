import type { Parsed } from '../domain/price.ts';
import { canonicalizePath } from '../domain/request-target.ts';
import type { PathPattern, PatternSegment } from '../domain/route.ts';

const RIGHT = 'a path such as /v1/weather/:city or /v1/reports/*';
const PARAM_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Pattern for editors; {@link parsePathPattern} decides. */
export const PATH_PATTERN = '(?!.*//)(?!.*/\\.{1,2}(?:/|$))/(?:[^\\s*?#;\\\\]*/)?(?:\\*|[^\\s*?#;\\\\]*)';

/**
 * Reads a path pattern: literal segments, `:name` for exactly one segment, and a trailing `/*` for the rest.
 *
 * Refuses what no canonical request path could ever equal ({@link canonicalizePath}): such a route would look as if it
 * charged for something.
 */
export function parsePathPattern(given: string): Parsed<PathPattern> {
  const refuse = (wrong: string, right = RIGHT): Parsed<PathPattern> => ({ ok: false, wrong, right });
  if (!given.startsWith('/'))
    return refuse(`the path ${JSON.stringify(given)} does not begin with /`, startedRight(given));
  const rest = given === '/*' || given.endsWith('/*');
  const body = rest ? given.slice(0, -2) : given;
  if (rest && body.endsWith('/'))
    return refuse('the path can never match: it holds an empty segment', `${body.slice(0, -1)}/*`);
  if (body.includes('*')) return refuse('a * stands only at the end, as /*', starredRight(given));
  if (body.includes('?'))
    return refuse('a path has no query: routes match whatever the query', body.replace(/\?.*$/, ''));
  const never = neverMatches(body);
  if (never !== undefined) {
    return refuse(`the path can never match: ${never.wrong}`, parameterRight(given) ?? never.right);
  }
  const segments: PatternSegment[] = [];
  const names = new Set<string>();
  for (const part of body === '' ? [] : body.slice(1).split('/')) {
    if (!part.startsWith(':')) {
      segments.push({ kind: 'static', text: part });
      continue;
    }
    const name = part.slice(1);
    if (!PARAM_NAME.test(name)) return refuse(`${JSON.stringify(part)} is not a parameter`, 'a segment such as :city');
    if (names.has(name)) return refuse(`the parameter :${name} is used twice`, 'each parameter name once');
    names.add(name);
    segments.push({ kind: 'param', name });
  }
  // A copy: a list that was pushed to keeps room for sixteen more.
  return { ok: true, value: { text: given, segments: [...segments], rest } };
}

/** What somebody who left the first `/` away, or gave a whole URL, may have meant; only what would be taken. */
function startedRight(given: string): string {
  const [, host, path = '/'] = /^https?:\/\/([^/]+)(\/.*)?$/i.exec(given) ?? [];
  if (host !== undefined) return `${path}, and the host under the key host`;
  const meant = `/${given}`;
  return parsePathPattern(meant).ok ? meant : starredRight(meant);
}

/** `/reports*` is meant as everything below; what any other star is meant as is not ours to guess. */
function starredRight(given: string): string {
  const above = given.replace(/\/*\*+$/, '');
  if (above.includes('*') || !parsePathPattern(`${above}/*`).ok) return RIGHT;
  return `${above}/* for ${above === '' ? '/' : above} and everything below it`;
}

/** `{id}`, `<id>` and `[id]` are how other routers write a parameter. */
function parameterRight(path: string): string | undefined {
  const meant = path.replace(/\{(\w+)\}|<(\w+)>|\[(\w+)\]/g, (_, ...names) => `:${names.find(Boolean)}`);
  return meant !== path && parsePathPattern(meant).ok ? meant : undefined;
}

/**
 * How a path without wildcard differs from what a request path can be after {@link canonicalizePath}.
 *
 * A part such as `:city` is an ordinary segment to it, `:` being legal in paths.
 */
export function neverMatches(path: string): { readonly wrong: string; readonly right: string } | undefined {
  if (path === '') return undefined;
  const canonical = canonicalizePath(path);
  if (!canonical.ok) return { wrong: canonical.wrong, right: RIGHT };
  if (canonical.path === path) return undefined;
  return { wrong: 'request paths are matched in canonical form', right: canonical.path };
}
