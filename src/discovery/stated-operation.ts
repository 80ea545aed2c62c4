import { type CallBody, takesBody } from '../domain/discovery.ts';
import { isJsonObject } from '../domain/payment.ts';
import type { Route } from '../domain/route.ts';
import type { StatedCalls } from '../domain/stated-calls.ts';
import type { Json, JsonObject } from '../domain/x402.ts';
import { resolveReference } from '../openapi/reference.ts';
import { shapeOf } from './stated-call.ts';

/** How OpenAPI names the types of bodies that catalogues know. */
const MEDIA_TYPES: Readonly<Record<CallBody['type'], string>> = {
  json: 'application/json',
  'form-data': 'multipart/form-data',
  text: 'text/plain',
};

/** The description of an answer of which nothing is known. */
export const ANY_ANSWER = { description: 'The answer of the API.' };

/**
 * An operation of a document with its route's own statements: each one replaces the same part of the operation.
 *
 * @param root the document that references of the operation lead into
 */
export function withStated(
  operation: JsonObject,
  method: string,
  { stated, mimeType }: Pick<Route, 'stated' | 'mimeType'>,
  root: JsonObject,
): JsonObject {
  if (stated === undefined) return operation;
  const { description, query, body, output } = stated;
  return {
    ...operation,
    ...(description === undefined ? {} : { description }),
    ...(query === undefined ? {} : { parameters: [...withoutQuery(operation, root), ...queryParameters(query)] }),
    ...(body === undefined || !takesBody(method) ? {} : { requestBody: requestBody(body) }),
    ...(output === undefined ? {} : { responses: responsesWith(operation, output, mimeType, root) }),
  };
}

function withoutQuery({ parameters }: JsonObject, root: JsonObject): readonly Json[] {
  const given = Array.isArray(parameters) ? parameters : [];
  return given.filter((each) => resolveReference(root, each)?.['in'] !== 'query');
}

function queryParameters(query: JsonObject): readonly JsonObject[] {
  return Object.entries(query).map(([name, example]) => ({ name, in: 'query', schema: shapeOf(example), example }));
}

function requestBody({ type, example }: NonNullable<StatedCalls['body']>): JsonObject {
  return { content: { [MEDIA_TYPES[type]]: { schema: shapeOf(example), example } } };
}

/** The first success answer is the one that is sold. */
function responsesWith(
  { responses }: JsonObject,
  example: Json,
  mimeType: string | undefined,
  root: JsonObject,
): JsonObject {
  const given = isJsonObject(responses) ? responses : {};
  const status = Object.keys(given).find((each) => each.startsWith('2')) ?? '200';
  const description = resolveReference(root, given[status])?.['description'] ?? ANY_ANSWER.description;
  const type = mimeType ?? (typeof example === 'string' ? 'text/plain' : 'application/json');
  return { ...given, [status]: { description, content: { [type]: { schema: shapeOf(example), example } } } };
}
