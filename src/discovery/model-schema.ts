import { isJsonObject } from '../domain/payment.ts';
import type { Json, JsonObject } from '../domain/x402.ts';

/** The types of JSON Schema. */
const TYPES: ReadonlySet<Json> = new Set(['string', 'number', 'integer', 'boolean', 'object', 'array', 'null']);

type Check = (value: Json) => boolean;

const isText: Check = (value) => typeof value === 'string';
const isFlag: Check = (value) => typeof value === 'boolean';
const isNumber: Check = (value) => typeof value === 'number';
const isCount: Check = (value) => typeof value === 'number' && Number.isInteger(value) && value >= 0;
const isNames: Check = (value) =>
  Array.isArray(value) && value.every(isText) && new Set<Json>(value).size === value.length;

/** What the values of keywords have to be. A value that is something else is left out. */
const CHECKS: Readonly<Record<string, Check>> = {
  ...of(['title', 'description', 'format', '$ref', 'contentEncoding', 'contentMediaType'], isText),
  ...of(['deprecated', 'readOnly', 'writeOnly', 'uniqueItems'], isFlag),
  ...of(['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'], isNumber),
  ...of(['minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties'], isCount),
  ...of(['minContains', 'maxContains'], isCount),
  ...of(['examples'], Array.isArray),
  ...of(['required'], isNames),
  ...of(['dependentRequired'], (value) => isJsonObject(value) && Object.values(value).every(isNames)),
  ...of(['multipleOf'], (value) => typeof value === 'number' && value > 0),
  ...of(['enum'], (value) => Array.isArray(value) && value.length > 0),
  ...of(['pattern'], isPattern),
  ...of(['type'], isType),
  // OpenAPI 3.0 has it; what it says was said by the type when the description was brought to 3.1.
  ...of(['nullable'], () => false),
};

/** Keywords with one schema, with a list of schemas, and with schemas by names. */
const ONE = new Set(['items', 'additionalProperties', 'not', 'if', 'then', 'else', 'contains', 'propertyNames']);
const LIST = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems']);
const BY_NAME = new Set(['properties', 'patternProperties', '$defs', 'dependentSchemas']);

/**
 * A schema as JSON Schema 2020-12. Anthropic's API refuses all tools of a client where one schema has a value that its
 * keyword does not allow, such as the `exclusiveMinimum: true` of OpenAPI 3.0, and OpenAI's one list without `items`.
 * What is left out of a schema allows more: the API checks its requests itself.
 */
export function schemaForModels(schema: JsonObject): JsonObject {
  const modern = modernized(schema);
  const members = Object.entries(modern).flatMap(([key, value]): readonly (readonly [string, Json])[] => {
    const fitting = fittingValue(key, value);
    return fitting === undefined ? [] : [[key, fitting]];
  });
  return withItems(Object.fromEntries(members));
}

function fittingValue(key: string, value: Json): Json | undefined {
  if (ONE.has(key)) return subschema(value);
  if (LIST.has(key)) {
    const schemas = Array.isArray(value) ? value.flatMap((each) => subschema(each) ?? []) : [];
    return schemas.length === 0 ? undefined : schemas;
  }
  if (BY_NAME.has(key)) {
    if (!isJsonObject(value)) return undefined;
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, subschema(each) ?? {}]));
  }
  const check = Object.hasOwn(CHECKS, key) ? CHECKS[key] : undefined;
  return check === undefined || check(value) ? value : undefined;
}

function subschema(value: Json): Json | undefined {
  if (isJsonObject(value)) return schemaForModels(value);
  return typeof value === 'boolean' ? value : undefined;
}

/** What earlier drafts say in another way: bounds that are excluded, and a schema for each item. */
function modernized(schema: JsonObject): JsonObject {
  const { items, minimum, maximum, exclusiveMinimum, exclusiveMaximum, ...others } = schema;
  return {
    ...others,
    ...(Array.isArray(items) ? { prefixItems: items } : present({ items })),
    ...bound('minimum', 'exclusiveMinimum', minimum, exclusiveMinimum),
    ...bound('maximum', 'exclusiveMaximum', maximum, exclusiveMaximum),
  };
}

function bound(name: string, excluded: string, value: Json | undefined, isExcluded: Json | undefined): JsonObject {
  if (isExcluded === true) return present({ [excluded]: value });
  return present({ [name]: value, [excluded]: isExcluded });
}

function present(members: Readonly<Record<string, Json | undefined>>): JsonObject {
  return Object.fromEntries(
    Object.entries(members).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}

function withItems(schema: JsonObject): JsonObject {
  const { type, items, prefixItems } = schema;
  const isList = type === 'array' || (Array.isArray(type) && type.includes('array'));
  return isList && items === undefined && prefixItems === undefined ? { ...schema, items: {} } : schema;
}

function isType(value: Json): boolean {
  if (!Array.isArray(value)) return TYPES.has(value);
  return value.length > 0 && value.every((each) => TYPES.has(each)) && new Set<Json>(value).size === value.length;
}

function isPattern(value: Json): boolean {
  if (typeof value !== 'string') return false;
  try {
    RegExp(value, 'u');
    return true;
  } catch {
    return false;
  }
}

function of(keys: readonly string[], check: Check): Readonly<Record<string, Check>> {
  return Object.fromEntries(keys.map((key) => [key, check]));
}
