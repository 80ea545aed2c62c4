import type { PathPattern, PatternSegment } from '../domain/route.ts';
import type { JsonObject } from '../domain/x402.ts';

/** A route's path as OpenAPI writes it. */
export interface PathTemplate {
  /** `/v1/weather/{city}`. */
  readonly template: string;
  readonly parameters: readonly JsonObject[];
}

const REST_NAME = 'rest';

/**
 * The template of a route's path. OpenAPI has no wildcard for the rest of a path: `/*` becomes a parameter that
 * describes it.
 */
export function pathTemplateOf({ segments, rest }: PathPattern): PathTemplate {
  const parts = segments.map((segment) => partOf(segment));
  const named = segments.flatMap((segment) => (segment.kind === 'static' ? [] : [pathParameter(segment.name)]));
  if (!rest) return { template: `/${parts.join('/')}`, parameters: named };
  const taken = new Set(segments.flatMap((segment) => (segment.kind === 'static' ? [] : [segment.name])));
  const name = taken.has(REST_NAME) ? `${REST_NAME}_of_path` : REST_NAME;
  const tail = { ...pathParameter(name), description: 'The rest of the path, of any number of segments.' };
  return { template: `/${[...parts, `{${name}}`].join('/')}`, parameters: [...named, tail] };
}

/** Equal for templates that differ in names only: parameters of a path are distinguished by their position. */
export function templateShape(template: string): string {
  return template.replace(/\{[^}]*\}/g, '{}');
}

function partOf(segment: PatternSegment): string {
  if (segment.kind === 'static') return segment.text;
  return segment.kind === 'param' ? `{${segment.name}}` : `${segment.prefix}{${segment.name}}${segment.suffix}`;
}

/** A parameter of a path of which only the name is known. */
export function pathParameter(name: string): JsonObject {
  return { name, in: 'path', required: true, schema: { type: 'string' } };
}
