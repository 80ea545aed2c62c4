import type { Parsed } from '../domain/price.ts';
import { canonicalizePath } from '../domain/request-target.ts';
import type { PathPattern, PatternSegment } from '../domain/route.ts';

const RIGHT = 'a path such as /v1/weather/:city or /v1/reports/*';
/** One parameter with literals around it: `{model}:generateContent`, `report.{format}`. */
const PARTIAL = /^([^{}]*)\{([^{}]*)\}([^{}]*)$/;
const PARAM_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Pattern for editors; {@link parsePathPattern} decides. */
export const PATH_PATTERN = '(?!.*//)(?!.*/\\.{1,2}(?:/|$))/(?:[^\\s*?#;\\\\]*/)?(?:\\*|[^\\s*?#;\\\\]*)';

/**
 * Reads a path pattern: literal segments, `:name` for exactly one segment, `{name}` for a part of one, and a
 * trailing `/*` for the rest.
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
  const never = neverMatches(withoutPartials(body));
  if (never !== undefined) {
    return refuse(`the path can never match: ${never.wrong}`, parameterRight(given) ?? never.right);
  }
  const segments: PatternSegment[] = [];
  const names = new Set<string>();
  for (const part of body === '' ? [] : body.slice(1).split('/')) {
    const segment = parseSegment(part);
    if (!segment.ok) return segment;
    segments.push(segment.value);
    if (segment.value.kind === 'static') continue;
    const { name } = segment.value;
    if (names.has(name)) return refuse(`the parameter :${name} is used twice`, 'each parameter name once');
    names.add(name);
  }
  // A copy: a list that was pushed to keeps room for sixteen more.
  return { ok: true, value: { text: given, segments: [...segments], rest } };
}

function parseSegment(part: string): Parsed<PatternSegment> {
  const [partial, prefix = '', name = '', suffix = ''] = (part.includes('{') && PARTIAL.exec(part)) || [];
  if (partial !== undefined && !part.startsWith(':')) {
    if (PARAM_NAME.test(name)) return parsePartial(name, prefix, suffix);
    return {
      ok: false,
      wrong: `${JSON.stringify(name)} is not the name of a parameter`,
      right: 'a segment such as report.{format}',
    };
  }
  if (!part.startsWith(':')) return { ok: true, value: { kind: 'static', text: part } };
  const whole = part.slice(1);
  if (PARAM_NAME.test(whole)) return { ok: true, value: { kind: 'param', name: whole } };
  const meant = part.replace(/^:([A-Za-z_]\w*)(?=\W)/, '{$1}');
  const right = meant !== part && parseSegment(meant).ok ? meant : 'a segment such as :city';
  return { ok: false, wrong: `${JSON.stringify(part)} is not a parameter`, right };
}

function parsePartial(name: string, prefix: string, suffix: string): Parsed<PatternSegment> {
  const [before, after] = [canonicalLiteral(prefix), canonicalLiteral(suffix)];
  if (before === prefix && after === suffix) return { ok: true, value: { kind: 'affix', name, prefix, suffix } };
  const known = before !== undefined && after !== undefined;
  return {
    ok: false,
    wrong: 'the path can never match: request paths are matched in canonical form',
    right: known ? `${before}{${name}}${after}` : 'a segment such as report.{format}',
  };
}

/** The canonical form of a part of a segment; `undefined` where it has none. */
function canonicalLiteral(literal: string): string | undefined {
  const canonical = canonicalizePath(`/x${literal}x`);
  return canonical.ok ? canonical.path.slice(2, -1) : undefined;
}

/** The path without the parameters that are a part of a segment; their literals are checked one by one. */
function withoutPartials(path: string): string {
  if (!path.includes('{')) return path;
  const part = (segment: string) => (isPartial(segment) ? 'x' : segment);
  return path.split('/').map(part).join('/');
}

function isPartial(segment: string): boolean {
  const [, prefix = '', , suffix = ''] = PARTIAL.exec(segment) ?? [];
  return prefix + suffix !== '';
}

/** A suggestion for a path without its first `/`, or a whole URL; only a valid one. */
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

/** `{id}`, `<id>` and `[id]` are how other routers write a parameter of a whole segment, and `<id>` one of a part. */
function parameterRight(path: string): string | undefined {
  const braces = path.replace(/<(\w+)>|\[(\w+)\]/g, (_, ...names) => `{${names.find(Boolean)}}`);
  const meant = braces.replace(/(?<=\/)\{(\w+)\}(?=\/|$)/g, ':$1');
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
