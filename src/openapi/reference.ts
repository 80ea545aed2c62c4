import { isJsonObject } from '../domain/payment.ts';
import type { Json, JsonObject } from '../domain/x402.ts';

/** References that lead to references: more than this is a circle. */
const MAX_HOPS = 32;

/**
 * The object that a node of an API description means: itself, or the target of its `$ref` within the document.
 * `undefined` for a reference into another document, one that leads nowhere, and a circle.
 */
export function resolveReference(root: JsonObject, node: Json | undefined): JsonObject | undefined {
  let current = node;
  for (let hops = 0; hops < MAX_HOPS; hops += 1) {
    if (!isJsonObject(current)) return undefined;
    const { $ref } = current;
    if (typeof $ref !== 'string') return current;
    current = lookUp(root, $ref);
  }
  return undefined;
}

/** Follows a JSON pointer in a URI fragment (RFC 6901 §6). */
function lookUp(root: JsonObject, reference: string): Json | undefined {
  if (reference === '#') return root;
  if (!reference.startsWith('#/')) return undefined;
  let node: Json | undefined = root;
  for (const part of reference.slice(2).split('/')) {
    const key = unescapePart(part);
    if (key === undefined) return undefined;
    if (Array.isArray(node)) node = /^(?:0|[1-9]\d*)$/.test(key) ? node[Number(key)] : undefined;
    else node = isJsonObject(node) && Object.hasOwn(node, key) ? node[key] : undefined;
  }
  return node;
}

/** The name that a part of a JSON pointer in a URI fragment stands for; `undefined` for one that is broken. */
export function unescapePart(part: string): string | undefined {
  try {
    return decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch {
    return undefined;
  }
}
