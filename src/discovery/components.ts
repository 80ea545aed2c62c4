import { isJsonObject } from '../domain/payment.ts';
import type { Json, JsonObject } from '../domain/x402.ts';
import { resolveReference } from '../openapi/reference.ts';
import { publishedPart } from './published.ts';

const COMPONENT = /^#\/components\/([A-Za-z]+)\/([^/]+)$/;

/**
 * Collects the components of a description that published parts refer to, each with what it refers to itself. A reference to
 * anything else is emptied: what it leads to is not published.
 */
export class ComponentCollector {
  readonly #root: JsonObject;
  readonly #found = new Map<string, Map<string, JsonObject>>();

  /** @param root the description that references lead into */
  constructor(root: JsonObject) {
    this.#root = root;
  }

  /** `node` with references to components only, which are collected. */
  include(node: JsonObject): JsonObject {
    const { $ref } = node;
    if (typeof $ref === 'string') return this.#collect($ref) ? { ...node } : {};
    return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, this.#includeValue(value)]));
  }

  /** The `components` of a document that holds what was included. */
  components(): JsonObject {
    return Object.fromEntries([...this.#found].map(([kind, byName]) => [kind, Object.fromEntries(byName)]));
  }

  #includeValue(value: Json): Json {
    if (Array.isArray(value)) return value.map((each) => this.#includeValue(each));
    return isJsonObject(value) ? this.include(value) : value;
  }

  #collect(reference: string): boolean {
    const [, kind, name] = COMPONENT.exec(reference) ?? [];
    const target = resolveReference(this.#root, { $ref: reference });
    if (kind === undefined || name === undefined || target === undefined) return false;
    const byName = this.#found.get(kind) ?? new Map<string, JsonObject>();
    this.#found.set(kind, byName);
    const key = decodeURIComponent(name).replaceAll('~1', '/').replaceAll('~0', '~');
    if (byName.has(key)) return true;
    // Before it is looked into: a schema may refer to itself.
    byName.set(key, {});
    byName.set(key, this.include(publishedPart(target)));
    return true;
  }
}
