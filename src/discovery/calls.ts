import {
  type ApiDocument,
  type CallBody,
  type CallDescription,
  type CallValues,
  type RouteCalls,
  takesBody,
} from '../domain/discovery.ts';
import { isJsonObject } from '../domain/payment.ts';
import type { PathPattern, Route } from '../domain/route.ts';
import type { Json, JsonObject } from '../domain/x402.ts';
import { type Operation, readOperations } from '../openapi/operations.ts';
import { resolveReference } from '../openapi/reference.ts';
import { pathTemplateOf, templateShape } from './path-template.ts';
import { sampleMembers, sampleOf } from './sample.ts';
import { statedCall } from './stated-call.ts';

/** Methods that catalogues take: x402 `extensions/bazaar.md`. */
const WITHOUT_BODY = new Set(['GET', 'HEAD', 'DELETE']);
/** Largest example of an answer that is kept, in characters of JSON: it has to fit into a header. */
const MAX_OUTPUT = 600;
const NOTHING: CallValues = { properties: {}, sample: {} };

/**
 * How the routes of a plan are called. The route's own description comes first, then the operation of the API's
 * description with the same path, then the price table alone. A route whose `/*` covers several operations is described
 * without them.
 */
export class CallBook {
  readonly #document: ApiDocument | undefined;
  /** By method and shape of the path, made for the first route that is asked for. */
  #operations: ReadonlyMap<string, Operation> | undefined;

  constructor(document: ApiDocument | undefined) {
    this.#document = document;
  }

  callsOf({ pattern, methods, stated }: Pick<Route, 'pattern' | 'methods' | 'stated'>): RouteCalls {
    const made = new Map<string, CallDescription | undefined>();
    const describe = (method: string): CallDescription | undefined => {
      const found = takes(methods, method) ? this.#describe(method, pattern) : undefined;
      return found === undefined || stated === undefined ? found : { ...found, ...statedCall(stated, method) };
    };
    return {
      of: (method) => {
        if (!made.has(method)) made.set(method, describe(method));
        return made.get(method);
      },
    };
  }

  #describe(method: string, pattern: PathPattern): CallDescription | undefined {
    if (!WITHOUT_BODY.has(method) && !takesBody(method)) return undefined;
    const operation = this.#operationOf(method, pattern);
    if (operation === undefined || this.#document === undefined) return { ...untold(method), method };
    return described(method, operation, this.#document);
  }

  #operationOf(method: string, pattern: PathPattern): Operation | undefined {
    if (this.#document === undefined || pattern.rest) return undefined;
    this.#operations ??= new Map(
      readOperations(this.#document).operations.map((operation) => [
        keyOf(operation.method, operation.template),
        operation,
      ]),
    );
    const { template } = pathTemplateOf(pattern);
    const own = this.#operations.get(keyOf(method, template));
    // A route of GET answers HEAD too, and few descriptions say so.
    return own ?? (method === 'HEAD' ? this.#operations.get(keyOf('GET', template)) : undefined);
  }
}

function takes(methods: Route['methods'], method: string): boolean {
  return methods === undefined || methods.includes(method) || (method === 'HEAD' && methods.includes('GET'));
}

function keyOf(method: string, template: string): string {
  return `${method} ${templateShape(template)}`;
}

function untold(method: string): Omit<CallDescription, 'method'> {
  const body: CallBody | undefined = takesBody(method)
    ? { type: 'json', schema: { type: 'object' }, sample: {} }
    : undefined;
  return { query: NOTHING, body, output: undefined };
}

function described(method: string, { node, pathItem }: Operation, { root }: ApiDocument): CallDescription {
  // The operation's own parameters come later and replace those of its path item.
  const parameters = [...listOf(pathItem['parameters']), ...listOf(node['parameters'])].flatMap((each) => {
    const parameter = resolveReference(root, each);
    return parameter === undefined ? [] : [parameter];
  });
  return {
    method,
    query: queryOf(root, parameters),
    body: takesBody(method) ? bodyOf(root, node, parameters) : undefined,
    output: outputOf(root, node),
  };
}

function queryOf(root: JsonObject, parameters: readonly JsonObject[]): CallValues {
  const properties: Record<string, JsonObject> = {};
  const sample: Record<string, Json> = {};
  for (const parameter of parameters) {
    const { name, in: place, required } = parameter;
    if (place !== 'query' || typeof name !== 'string') continue;
    // A parameter of Swagger 2 is its own schema.
    const member = sampleOf(root, parameter['schema'] ?? schemaOfSwagger(parameter), exampleOf(root, parameter));
    properties[name] = member.schema;
    if (required === true) sample[name] = member.value;
  }
  return { properties, sample };
}

function schemaOfSwagger(parameter: JsonObject): JsonObject {
  const { name: _name, in: _place, required: _required, ...schema } = parameter;
  return schema;
}

function bodyOf(root: JsonObject, node: JsonObject, parameters: readonly JsonObject[]): CallBody {
  const ofSwagger = parameters.find(({ in: place }) => place === 'body');
  if (ofSwagger !== undefined) return jsonBody(root, ofSwagger['schema'], undefined);
  const fields = parameters.filter(({ in: place }) => place === 'formData');
  if (fields.length > 0) return formBody(root, fields);
  const content = resolveReference(root, node['requestBody'])?.['content'];
  const types = isJsonObject(content) ? Object.entries(content) : [];
  const best = types.find(([type]) => /json/i.test(type)) ?? types[0];
  const media = isJsonObject(best?.[1]) ? best[1] : {};
  const type = best?.[0] ?? 'application/json';
  if (/json|\*\/\*/i.test(type)) return jsonBody(root, media['schema'], exampleOf(root, media));
  if (/form/i.test(type)) return { ...jsonBody(root, media['schema'], exampleOf(root, media)), type: 'form-data' };
  return { type: 'text', schema: { type: 'string' }, sample: 'text' };
}

function jsonBody(root: JsonObject, schema: Json | undefined, example: Json | undefined): CallBody {
  const brief = sampleOf(root, schema, example);
  if (brief.schema['type'] !== 'object' && brief.schema['type'] !== undefined) {
    return { type: 'json', schema: brief.schema, sample: brief.value };
  }
  const members = sampleMembers(root, schema, example);
  return { type: 'json', schema: members.schema, sample: members.value };
}

function formBody(root: JsonObject, fields: readonly JsonObject[]): CallBody {
  const named = fields.flatMap((field) => (typeof field['name'] === 'string' ? [[field['name'], field] as const] : []));
  const members = {
    properties: Object.fromEntries(named.map(([name, field]) => [name, schemaOfSwagger(field)])),
    required: named.flatMap(([name, field]) => (field['required'] === true ? [name] : [])),
  };
  const { schema, value } = sampleMembers(root, members);
  return { type: 'form-data', schema, sample: value };
}

/** The example of the first answer of success, where it is short. */
function outputOf(root: JsonObject, node: JsonObject): Json | undefined {
  const { responses } = node;
  for (const [status, response] of Object.entries(isJsonObject(responses) ? responses : {})) {
    if (!/^2/.test(status)) continue;
    const answer = resolveReference(root, response) ?? {};
    const { content } = answer;
    const ofSwagger = isJsonObject(answer['examples']) ? Object.values(answer['examples'])[0] : undefined;
    const [media] = isJsonObject(content) ? Object.values(content) : [];
    const example = ofSwagger ?? (isJsonObject(media) ? exampleOf(root, media) : undefined);
    if (example !== undefined && example !== null && JSON.stringify(example).length <= MAX_OUTPUT) return example;
  }
  return undefined;
}

/** The example of a parameter or a media type, which stands outside of its schema. */
function exampleOf(root: JsonObject, node: JsonObject): Json | undefined {
  if (node['example'] !== undefined) return node['example'];
  const { examples } = node;
  const [first] = isJsonObject(examples) ? Object.values(examples) : [];
  return resolveReference(root, first)?.['value'];
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}
