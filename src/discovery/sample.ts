import { isJsonObject } from '../domain/payment.ts';
import type { Json, JsonObject } from '../domain/x402.ts';
import { resolveReference } from '../openapi/reference.ts';

/** A schema of an API description in brief, and a value that fits it. */
export interface Sampled {
  readonly schema: JsonObject;
  readonly value: Json;
}

/** Most values of an `enum` that are published. */
const MAX_ENUM = 8;
/** Longest text of an example, in characters. */
const MAX_TEXT = 100;
/** Most members of an object that are published. */
const MAX_MEMBERS = 12;
const TYPES = ['string', 'number', 'integer', 'boolean', 'object', 'array'] as const;

type TypeName = (typeof TYPES)[number];

const PLAIN: Readonly<Record<TypeName, Json>> = {
  string: 'text',
  number: 1,
  integer: 1,
  boolean: true,
  object: {},
  array: [],
};

/**
 * A schema in brief: its type, and its choices where they are few. Real descriptions contradict themselves: the value
 * is chosen first, and choices that do not include it are left out.
 *
 * @param node a schema of an OpenAPI document, or a parameter of Swagger 2, which is a schema itself
 * @param given an example from outside the schema, which is preferred to the schema's own
 */
export function sampleOf(root: JsonObject, node: Json | undefined, given?: Json): Sampled {
  const schema = merged(root, node);
  const type = typeOf(schema);
  const choices = Array.isArray(schema['enum']) ? schema['enum'].filter(isScalar) : [];
  const stated = [given, schema['example'], firstOf(schema['examples']), schema['default'], choices[0]];
  const found = stated.find((value) => value !== undefined && value !== null && fits(value, type) && isShort(value));
  const value = found ?? PLAIN[type ?? 'string'];
  const told = choices.length > 0 && choices.length <= MAX_ENUM && isScalar(value) && choices.includes(value);
  return { schema: { ...(type === undefined ? {} : { type }), ...(told ? { enum: choices } : {}) }, value };
}

/** The members of an object's schema in brief, with a value for each that is required. */
export function sampleMembers(
  root: JsonObject,
  node: Json | undefined,
  given?: Json,
): { readonly schema: JsonObject; readonly value: JsonObject } {
  const schema = merged(root, node);
  const members = isJsonObject(schema['properties']) ? schema['properties'] : {};
  const required = new Set(Array.isArray(schema['required']) ? schema['required'] : []);
  const example = [given, schema['example'], firstOf(schema['examples'])].find((each) => isJsonObject(each)) ?? {};
  const properties: Record<string, JsonObject> = {};
  const value: Record<string, Json> = {};
  const names = Object.keys(members).sort((a, b) => Number(required.has(b)) - Number(required.has(a)));
  for (const name of names.slice(0, MAX_MEMBERS)) {
    const stated = Object.hasOwn(example, name) ? example[name] : undefined;
    const member = sampleOf(root, members[name], stated);
    properties[name] = member.schema;
    if (required.has(name) || stated !== undefined) value[name] = member.value;
  }
  return { schema: { type: 'object', properties }, value };
}

/** The keywords of a schema with those of `allOf`, and of the first of `oneOf` or `anyOf`. One step deep each. */
function merged(root: JsonObject, node: Json | undefined): JsonObject {
  const own = resolveReference(root, node) ?? {};
  const all = Array.isArray(own['allOf']) ? own['allOf'] : [];
  const either = [firstOf(own['oneOf']), firstOf(own['anyOf'])];
  const parts = [...all, ...either].map((part) => resolveReference(root, part) ?? {});
  const properties = [...parts, own].map((part) => (isJsonObject(part['properties']) ? part['properties'] : {}));
  const required = [...parts, own].flatMap((part) => (Array.isArray(part['required']) ? part['required'] : []));
  const joined: JsonObject = Object.assign({}, ...properties);
  return {
    ...Object.assign({}, ...parts),
    ...own,
    ...(Object.keys(joined).length > 0 ? { properties: joined } : {}),
    ...(required.length > 0 ? { required } : {}),
  };
}

function typeOf(schema: JsonObject): TypeName | undefined {
  const stated = Array.isArray(schema['type']) ? schema['type'].find((each) => each !== 'null') : schema['type'];
  const known = TYPES.find((each) => each === stated);
  if (known !== undefined || stated !== undefined) return known;
  if (isJsonObject(schema['properties'])) return 'object';
  return isJsonObject(schema['items']) ? 'array' : undefined;
}

function fits(value: Json, type: TypeName | undefined): boolean {
  switch (type) {
    case undefined:
      return true;
    case 'integer':
      return Number.isInteger(value);
    case 'array':
      return Array.isArray(value);
    case 'object':
      return isJsonObject(value);
    default:
      return typeof value === type;
  }
}

function isShort(value: Json): boolean {
  return JSON.stringify(value).length <= MAX_TEXT;
}

function isScalar(value: Json): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function firstOf(value: Json | undefined): Json | undefined {
  return Array.isArray(value) ? value[0] : undefined;
}
