import { isJsonObject } from '../domain/payment.ts';
import type { Json, JsonObject } from '../domain/x402.ts';
import { resolveReference, unescapePart } from '../openapi/reference.ts';
import { publishedPart } from './published.ts';

const COMPONENT = /^#\/components\/([A-Za-z]+)\/([^/]+)$/;

/** Maps and lists whose unpublished members are left out. */
const WITHOUT = new Set(['headers', 'parameters', 'examples']);
/** The least that a response has to contain. */
const SILENT_RESPONSE = { description: '' };

/**
 * Collects the components of a description that published parts refer to, directly or through other components. The
 * targets of other references are not published: headers, parameters and examples are left out, a response becomes
 * empty, and a schema accepts anything.
 */
export class ComponentCollector {
  readonly #root: JsonObject;
  readonly #found = new Map<string, Map<string, JsonObject>>();

  /** @param root the description that references lead into */
  constructor(root: JsonObject) {
    this.#root = root;
  }

  /** `node` with references to components only. These components are collected. */
  include(node: JsonObject): JsonObject {
    const { $ref } = node;
    if (typeof $ref === 'string') return this.#collect($ref) ? { ...node } : {};
    return Object.fromEntries(
      Object.entries(node).flatMap(([key, value]) =>
        key === 'requestBody' && this.#isLost(value) ? [] : [[key, this.#includeMember(key, value)]],
      ),
    );
  }

  #includeMember(key: string, value: Json): Json {
    const isMap = isJsonObject(value) && value['$ref'] === undefined;
    if (key === 'responses' && isMap) {
      const responses = Object.entries(value).map(([status, each]) => [
        status,
        this.#isLost(each) ? SILENT_RESPONSE : this.#includeValue(each),
      ]);
      return Object.fromEntries(responses);
    }
    if (!WITHOUT.has(key)) return this.#includeValue(value);
    if (Array.isArray(value)) return this.#includeValue(value.filter((each) => !this.#isLost(each)));
    if (!isMap) return this.#includeValue(value);
    return this.include(Object.fromEntries(Object.entries(value).filter(([, each]) => !this.#isLost(each))));
  }

  /** Whether a value is a reference to what is not published. */
  #isLost(value: Json): boolean {
    return isJsonObject(value) && typeof value['$ref'] === 'string' && !this.#collect(value['$ref']);
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
    const key = name && unescapePart(name);
    if (kind === undefined || key === undefined || target === undefined) return false;
    const byName = this.#found.get(kind) ?? new Map<string, JsonObject>();
    this.#found.set(kind, byName);
    if (byName.has(key)) return true;
    // Set before its content is read: a schema may refer to itself.
    byName.set(key, {});
    byName.set(key, this.include(publishedPart(target)));
    return true;
  }
}
