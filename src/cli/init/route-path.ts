import { parsePathPattern } from '../../config/path-pattern.ts';
import { canonicalizePath } from '../../domain/request-target.ts';
import type { PathPattern } from '../../domain/route.ts';

/** The path of a route for a path template of an API description, or why no route can say it. */
export type RoutePath =
  | { readonly ok: true; readonly pattern: PathPattern; readonly note: string | undefined }
  | { readonly ok: false; readonly wrong: string };

/** One parameter or several, alone in their segment or with literals around them. */
const PARAMETERS = /^([^{}]*)\{(.+)\}([^{}]*)$/;
/** `{proxy+}` of API gateways, `{+path}` and `{path*}` of URI templates: the rest of the path. */
const REST_PARAMETER = /^\{(?:\+[^{}]+|[^{}]+[+*])\}$/;

/**
 * Turns a path template of an API description into the path of a route: `/pets/{petId}` becomes `/pets/:petId`. A
 * template that no route can express exactly gets a wider route, and `note` says so: a wider route may charge for more,
 * never for less.
 */
export function routePathOf(template: string): RoutePath {
  const [path = '', ...rest] = template.split(/[?#]/);
  const notes = rest.length === 0 ? [] : ['a route matches whatever the query'];
  const segments: string[] = [];
  const names = new Set<string>();
  const parts = path.slice(1).split('/');
  for (const [index, part] of parts.entries()) {
    if (REST_PARAMETER.test(part)) {
      if (index < parts.length - 1) notes.push(`${part} is taken as the rest of the path`);
      return finish([...segments, '*'], notes);
    }
    const segment = segmentOf(part, names, notes);
    if (segment === undefined)
      return { ok: false, wrong: `the segment ${JSON.stringify(part)} can never be requested` };
    segments.push(segment);
  }
  return finish(segments, notes);
}

function finish(segments: readonly string[], notes: readonly string[]): RoutePath {
  const parsed = parsePathPattern(`/${segments.join('/')}`);
  if (!parsed.ok) return { ok: false, wrong: parsed.wrong };
  return { ok: true, pattern: parsed.value, note: notes.length === 0 ? undefined : notes.join('; ') };
}

/** Of several parameters, the literals before the first and after the last are kept: what is between them may be anything. */
function segmentOf(part: string, names: Set<string>, notes: string[]): string | undefined {
  if (!part.includes('{')) return literalSegment(part);
  const [, prefix = '', name, suffix = ''] = PARAMETERS.exec(part) ?? [];
  const [before, after] = [literalSegment(`x${prefix}x`)?.slice(1, -1), literalSegment(`x${suffix}x`)?.slice(1, -1)];
  if (name === undefined || before === undefined || after === undefined) {
    notes.push(`${part} is taken as any one segment`);
    return `:${freshName(part, names)}`;
  }
  const segment = parameterSegment(before, freshName(name, names), after);
  if (/[{}]/.test(name)) notes.push(`${part} is taken as ${segment}`);
  return segment;
}

/** One parameter as a route writes it, with the literals around it. */
export function parameterSegment(prefix: string, name: string, suffix: string): string {
  return prefix + suffix === '' ? `:${name}` : `${prefix.replace(/^:/, '%3A')}{${name}}${suffix}`;
}

/** A literal as a route writes it: `*` and a first `:` mean themselves only when they are escaped. */
function literalSegment(part: string): string | undefined {
  const escaped = part.replace(/[^A-Za-z0-9\-._~!$&'()+,=:@%]/gu, (character) =>
    encodeURIComponent(character).replace('*', '%2A'),
  );
  const sound = escaped.replace(/%(?![0-9A-Fa-f]{2})/g, '%25').replace(/^:/, '%3A');
  const canonical = canonicalizePath(`/${sound}`);
  return canonical.ok ? canonical.path.slice(1) : undefined;
}

function freshName(given: string, names: Set<string>): string {
  const name = given
    .replace(/[^A-Za-z0-9_]+/g, '_')
    .replace(/^_+(?=.)|_+$/g, '')
    .replace(/^(?=\d|$)/, 'p');
  let fresh = name;
  for (let count = 2; names.has(fresh); count += 1) fresh = `${name}${count}`;
  names.add(fresh);
  return fresh;
}
