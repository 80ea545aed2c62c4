import type { CallDescription } from '../domain/discovery.ts';
import type { PathPattern } from '../domain/route.ts';
import type { Json, JsonObject } from '../domain/x402.ts';
import { canComeBack } from './header-json.ts';

/** The extension's key in `extensions`. */
export const BAZAAR = 'bazaar';

/** How much of a call is described: all, without the example of the answer, or without examples at all. */
export type Detail = 'full' | 'input' | 'bare';

/** The ways to describe a call, the richest first: the order in which parts are dropped where a 402 gets too long. */
const DETAILS: readonly Detail[] = ['full', 'input', 'bare'];
/** How deep an example stands in a payment: `extensions.bazaar.info.input.body` or `schema.properties.input.properties.….properties`. */
const DEPTH_OF_EXAMPLES = 10;

/**
 * The ways to describe this call. Clients send the description back with their payment, so it leaves out examples that
 * a payment must not hold: an API's own examples can be nested to any depth.
 */
export function detailsOf({ query, body, output }: CallDescription): readonly Detail[] {
  const takesInput = canComeBack(
    [query.sample, query.properties, body?.sample ?? null, body?.schema ?? null],
    DEPTH_OF_EXAMPLES,
  );
  const takesOutput = output === undefined || canComeBack(output, DEPTH_OF_EXAMPLES);
  return DETAILS.filter((detail) => detail === 'bare' || (takesInput && (detail === 'input' || takesOutput)));
}

const JSON_SCHEMA = 'https://json-schema.org/draft/2020-12/schema';
/** What facilitators take as a route template. */
const TEMPLATE = /^\/[a-zA-Z0-9_/:.\-~%]+$/;

/** A declaration in two parts: the text before the values of the path's parameters, and the text after them. */
export interface BazaarText {
  /** JSON, open in the member `info.input`. */
  readonly head: string;
  /** The rest, which closes it. */
  readonly tail: string;
  /** Whether `pathParams` comes between the two. */
  readonly takesPath: boolean;
}

/**
 * The declaration of one method of a route, as JSON. `info` must fit `schema`, because facilitators list nothing else:
 * every member of `info.input`, the method included, has its property.
 *
 * @see x402 specification, `extensions/bazaar.md`
 */
export function declareBazaar(call: CallDescription, pattern: PathPattern, detail: Detail): BazaarText {
  const template = routeTemplate(pattern);
  const { method, query, body } = call;
  const hasQuery = Object.keys(query.properties).length > 0;
  const values = detail !== 'bare';
  const output = detail === 'full' ? call.output : undefined;
  const input: JsonObject = {
    type: 'http',
    method,
    ...(hasQuery ? { queryParams: values ? query.sample : {} } : {}),
    ...(body === undefined ? {} : { bodyType: body.type, body: values ? body.sample : emptyOf(body.sample) }),
  };
  const inputSchema = {
    type: 'object',
    properties: {
      type: { type: 'string', const: 'http' },
      method: { type: 'string', enum: [method] },
      ...(hasQuery ? { queryParams: { type: 'object', properties: values ? query.properties : {} } } : {}),
      ...(body === undefined
        ? {}
        : { bodyType: { type: 'string', enum: [body.type] }, body: values ? body.schema : {} }),
      ...(template === undefined ? {} : { pathParams: { type: 'object' } }),
    },
    required: ['type', 'method', ...(body === undefined ? [] : ['bodyType', 'body'])],
    additionalProperties: false,
  };
  const schema = {
    $schema: JSON_SCHEMA,
    type: 'object',
    properties: { input: inputSchema, ...(output === undefined ? {} : { output: outputSchema(output) }) },
    required: ['input'],
  };
  const front = { ...(template === undefined ? {} : { routeTemplate: template }), schema };
  const told = output === undefined ? '' : `,"output":${JSON.stringify({ type: 'json', example: output })}`;
  return {
    head: `${JSON.stringify(front).slice(0, -1)},"info":{"input":${JSON.stringify(input).slice(0, -1)}`,
    tail: `}${told}}}`,
    takesPath: template !== undefined,
  };
}

function emptyOf(sample: Json): Json {
  if (typeof sample === 'string') return '';
  return Array.isArray(sample) ? [] : {};
}

function outputSchema(example: Json): JsonObject {
  const type = Array.isArray(example) ? 'array' : typeof example;
  return {
    type: 'object',
    properties: { type: { type: 'string' }, example: { type } },
    required: ['type'],
  };
}

/**
 * The path of a route with a name for each parameter, by which catalogues distinguish calls of different routes.
 * `undefined` for a path without parameters, and for one that a template cannot express: a rest, a part of a segment,
 * other characters.
 */
export function routeTemplate({ segments, rest }: PathPattern): string | undefined {
  if (rest || !segments.some(({ kind }) => kind === 'param')) return undefined;
  if (segments.some(({ kind }) => kind === 'affix')) return undefined;
  const parts = segments.map((segment) => (segment.kind === 'static' ? segment.text : `:${segment.name}`));
  const template = `/${parts.join('/')}`;
  return TEMPLATE.test(template) && !/\/[^/]*[^/]:/.test(template) ? template : undefined;
}

/** The values of a path's parameters, as one request has them. */
export function pathParams({ segments }: PathPattern, path: string): JsonObject {
  const given = path.split('/').slice(1);
  return Object.fromEntries(
    segments.flatMap((segment, index) =>
      segment.kind === 'param' ? [[segment.name, decoded(given[index] ?? '')]] : [],
    ),
  );
}

/** A path that was accepted is canonical, so that every escape in it is sound. */
function decoded(segment: string): string {
  return decodeURIComponent(segment);
}

/** The same in the form of x402 v1: `outputSchema` of an entry. */
export function outputSchemaV1({ method, query, body, output }: CallDescription): JsonObject {
  const hasQuery = Object.keys(query.properties).length > 0;
  return {
    input: {
      type: 'http',
      method,
      discoverable: true,
      ...(hasQuery ? { queryParams: query.properties } : {}),
      ...(body === undefined ? {} : { bodyType: body.type, bodyFields: bodyFields(body.schema) }),
    },
    ...(output === undefined ? {} : { output }),
  };
}

function bodyFields(schema: JsonObject): Json {
  return schema['properties'] ?? {};
}
