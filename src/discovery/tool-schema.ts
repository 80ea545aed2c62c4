import { isJsonObject } from '../domain/payment.ts';
import type { Json, JsonObject } from '../domain/x402.ts';
import { ComponentCollector } from './components.ts';
import { inlinedSchema } from './inlined-schema.ts';
import { schemaForModels } from './model-schema.ts';
import { publishedPart } from './published.ts';
import type { ToolInput } from './tool-inputs.ts';

/**
 * Longest schema of a tool, in characters of JSON: a model reads all of them. Of a longer one only the outline is
 * published.
 */
const MOST_CHARACTERS = 24 * 1024;

const COMPONENT = /^#\/components\/([A-Za-z]+)\//;

/**
 * The JSON Schema of a tool's arguments, complete in itself: referenced schemas stand where they are referred to, and
 * in `$defs` where they hold themselves or are too many.
 *
 * @param root the API's description, which the schemas of arguments refer to
 */
export function inputSchema(root: JsonObject, inputs: readonly ToolInput[]): JsonObject {
  const whole = fullSchema(root, inputs);
  if (JSON.stringify(whole).length > MOST_CHARACTERS) return outline(inputs);
  const inlined = inlinedSchema(whole, MOST_CHARACTERS);
  return inlined !== undefined && JSON.stringify(inlined).length <= MOST_CHARACTERS ? inlined : whole;
}

function fullSchema(root: JsonObject, inputs: readonly ToolInput[]): JsonObject {
  const collector = new ComponentCollector(root);
  const properties = inputs.map(({ name, schema, description }) => {
    const included = collector.include(publishedPart(schema));
    return [name, described(included, description)] as const;
  });
  const definitions = Object.entries(collector.components()).flatMap(([kind, byName]) =>
    Object.entries(isJsonObject(byName) ? byName : {}).map(([name, each]) => [kind + DOT + name, each] as const),
  );
  const defs = definitions.length === 0 ? {} : { $defs: Object.fromEntries(definitions) };
  const schema = { ...objectSchema(inputs), properties: Object.fromEntries(properties), ...defs };
  const moved = movedReferences(schema);
  return isJsonObject(moved) ? schemaForModels(moved) : schema;
}

/** Between the kind of a component and its name in `$defs`. */
const DOT = '.';

function objectSchema(inputs: readonly ToolInput[]): JsonObject {
  const required = inputs.filter((input) => input.required).map(({ name }) => name);
  return { type: 'object', ...(required.length === 0 ? {} : { required }), additionalProperties: false };
}

/** Adds an argument's description where its schema has none. JSON Schema 2020-12 reads it beside a `$ref`, too. */
function described(schema: JsonObject, description: string | undefined): JsonObject {
  return description === undefined || schema['description'] !== undefined ? schema : { ...schema, description };
}

/** References into the API's description, as references into `$defs`. */
function movedReferences(value: Json): Json {
  if (Array.isArray(value)) return value.map(movedReferences);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      key,
      key === '$ref' && typeof each === 'string' ? each.replace(COMPONENT, `#/$defs/$1${DOT}`) : movedReferences(each),
    ]),
  );
}

/** Names, types and descriptions of arguments alone. */
function outline(inputs: readonly ToolInput[]): JsonObject {
  const properties = inputs.map(({ name, schema, description }) => {
    const { type } = schema;
    return [name, described(typeof type === 'string' ? { type } : {}, description)] as const;
  });
  return schemaForModels({ ...objectSchema(inputs), properties: Object.fromEntries(properties) });
}
