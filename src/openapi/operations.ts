import type { ApiDocument } from '../domain/discovery.ts';
import { isJsonObject } from '../domain/payment.ts';
import type { Json, JsonObject } from '../domain/x402.ts';
import { basePathOf } from './base-path.ts';
import { resolveReference } from './reference.ts';

/** One method on one path of an API description. */
export interface Operation {
  /** Upper case, or as it is written where OpenAPI has no key for it. */
  readonly method: string;
  /** With the base path, as the document writes it: `/v1/pets/{petId}`. */
  readonly template: string;
  readonly id: string | undefined;
  readonly summary: string | undefined;
  readonly description: string | undefined;
  readonly tags: readonly string[];
  /** The media type of its first successful answer. */
  readonly mimeType: string | undefined;
  readonly node: JsonObject;
  readonly pathItem: JsonObject;
}

/** Something that a description holds and that could not be read. */
export interface UnreadablePart {
  /** Its position, such as `paths./pets`. */
  readonly place: string;
  readonly wrong: string;
}

/** All operations of a description. */
export interface OperationList {
  readonly operations: readonly Operation[];
  readonly unreadable: readonly UnreadablePart[];
}

const METHOD_KEYS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace', 'query'] as const;

/** Lists the operations of a description, in its order. */
export function readOperations(document: ApiDocument): OperationList {
  const { root } = document;
  const operations: Operation[] = [];
  const unreadable: UnreadablePart[] = [];
  const { paths } = root;
  // OpenAPI 3.1 allows a document that has webhooks only.
  for (const [path, value] of Object.entries(isJsonObject(paths) ? paths : {})) {
    if (path.startsWith('x-')) continue;
    const pathItem = resolveReference(root, value);
    if (pathItem === undefined) unreadable.push({ place: `paths.${path}`, wrong: whyUnresolved(value) });
    else operations.push(...operationsOf(document, path, pathItem, unreadable));
  }
  return { operations, unreadable };
}

function whyUnresolved(value: Json): string {
  return isJsonObject(value) && typeof value['$ref'] === 'string'
    ? `its $ref ${JSON.stringify(value['$ref'])} leads to nothing in this document`
    : 'it is not a map';
}

function operationsOf(
  document: ApiDocument,
  path: string,
  pathItem: JsonObject,
  unreadable: UnreadablePart[],
): Operation[] {
  const named = METHOD_KEYS.map((key) => ({ method: key.toUpperCase(), key, value: pathItem[key] }));
  return [...named, ...additionalIn(pathItem)].flatMap(({ method, key, value }) => {
    if (value === undefined) return [];
    const node = resolveReference(document.root, value);
    if (node === undefined) {
      unreadable.push({ place: `paths.${path}.${key}`, wrong: whyUnresolved(value) });
      return [];
    }
    const { tags } = node;
    return [
      {
        method,
        template: basePathOf(document, pathItem, node) + (path.startsWith('/') ? path : `/${path}`),
        id: text(node['operationId']),
        summary: text(node['summary']) ?? text(pathItem['summary']),
        description: text(node['description']),
        tags: Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : [],
        mimeType: answerType(document, node),
        node,
        pathItem,
      },
    ];
  });
}

/** The operations of methods that have no key of their own (OpenAPI 3.2), under the method's name. */
function additionalIn({
  additionalOperations,
}: JsonObject): { method: string; key: string; value: Json | undefined }[] {
  return Object.entries(isJsonObject(additionalOperations) ? additionalOperations : {}).map(([method, value]) => ({
    method,
    key: `additionalOperations.${method}`,
    value,
  }));
}

/** The media type of the first 2xx answer that has one. */
function answerType({ root, dialect }: ApiDocument, node: JsonObject): string | undefined {
  const { responses } = node;
  const successful = Object.entries(isJsonObject(responses) ? responses : {}).filter(([status]) => /^2/.test(status));
  if (successful.length === 0) return undefined;
  if (dialect === 'swagger2') {
    const produces = node['produces'] ?? root['produces'];
    return Array.isArray(produces) ? text(produces[0]) : undefined;
  }
  for (const [, response] of successful) {
    const content = resolveReference(root, response)?.['content'];
    const [type] = Object.keys(isJsonObject(content) ? content : {});
    if (type !== undefined && !type.includes('*')) return type;
  }
  return undefined;
}

function text(value: Json | undefined): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value : undefined;
}
