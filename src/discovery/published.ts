import { isJsonObject } from '../domain/payment.ts';
import type { Json, JsonObject } from '../domain/x402.ts';

/** Maps whose keys are names of the API's own, not keywords. */
const NAME_MAPS = new Set([
  ...['properties', 'patternProperties', 'headers', 'responses', 'schemas', 'parameters', 'examples', 'definitions'],
  ...['$defs', 'content', 'requestBodies', 'dependentSchemas', 'encoding'],
]);
/** The API's own data: its keys are not read as keywords. */
const DATA = new Set(['example', 'default', 'enum', 'const', 'value', 'required']);
/** Parts of a description that are not published: other servers, calls that the API makes, its own logins. */
const UNPUBLISHED = new Set([
  ...['servers', 'callbacks', 'links', 'security', 'externalDocs', 'externalValue'],
  // Where a schema is kept, and notes for its authors.
  ...['$id', 'id', '$schema', '$comment'],
]);

/**
 * A part of an API description without the parts that only its owner needs: servers, callbacks, logins, and vendor
 * extensions, which name backends and roles.
 */
export function publishedPart(node: JsonObject): JsonObject {
  return cleanKeywords(node);
}

function cleanKeywords(node: JsonObject): JsonObject {
  const kept = Object.entries(node).filter(([key]) => !key.startsWith('x-') && !UNPUBLISHED.has(key));
  return Object.fromEntries(kept.map(([key, value]) => [key, cleanMember(key, value)]));
}

function cleanMember(key: string, value: Json): Json {
  if (DATA.has(key) || (key === 'examples' && Array.isArray(value))) return value;
  if (key === 'mapping' && isJsonObject(value)) return withinDocument(value);
  if (NAME_MAPS.has(key) && isJsonObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, clean(each)]));
  }
  return clean(value);
}

/** The mappings to a schema by its name or within the document; not by a URL or a file. */
function withinDocument(mapping: JsonObject): JsonObject {
  const kept = Object.entries(mapping).filter(([, to]) => typeof to === 'string' && /^(?:#\/|[\w.-]+$)/.test(to));
  return Object.fromEntries(kept);
}

function clean(value: Json): Json {
  if (isJsonObject(value)) return cleanKeywords(value);
  return Array.isArray(value) ? value.map(clean) : value;
}
