import { type CallDescription, type CallValues, takesBody } from '../domain/discovery.ts';
import { isJsonObject } from '../domain/payment.ts';
import type { StatedCalls } from '../domain/stated-calls.ts';
import type { Json, JsonObject } from '../domain/x402.ts';

/** A route's own description of the calls of one method, for catalogues. */
export function statedCall({ query, body, output }: StatedCalls, method: string): Partial<CallDescription> {
  return {
    ...(query !== undefined && { query: valuesOf(query) }),
    ...(body !== undefined &&
      takesBody(method) && { body: { type: body.type, schema: briefShape(body.example), sample: body.example } }),
    ...(output !== undefined && { output }),
  };
}

/** The JSON Schema that an example fits: types, and names of members. */
export function shapeOf(example: Json): JsonObject {
  if (Array.isArray(example)) {
    const items = example.map(shapeOf);
    const isAlike = items.every((each) => JSON.stringify(each) === JSON.stringify(items[0]));
    return { type: 'array', ...(isAlike && items[0] !== undefined ? { items: items[0] } : {}) };
  }
  if (!isJsonObject(example)) return { type: typeOf(example) };
  return { type: 'object', properties: mapMembers(example, shapeOf) };
}

/** The same in brief, for a header: without nested members. */
function briefShape(example: Json): JsonObject {
  if (!isJsonObject(example)) return { type: typeOf(example) };
  return { type: 'object', properties: typesOf(example) };
}

function valuesOf(sample: JsonObject): CallValues {
  return { properties: typesOf(sample), sample };
}

function typesOf(members: JsonObject): Readonly<Record<string, JsonObject>> {
  return mapMembers(members, (value) => ({ type: typeOf(value) }));
}

function mapMembers<T>(members: JsonObject, change: (value: Json) => T): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(members).map(([name, value]) => [name, change(value)]));
}

function typeOf(value: Json): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value === 'number' && Number.isInteger(value) ? 'integer' : typeof value;
}
