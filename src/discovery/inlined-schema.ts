import { isJsonObject } from '../domain/payment.ts';
import type { Json, JsonObject } from '../domain/x402.ts';
import { unescapePart } from '../openapi/reference.ts';

const DEFINITION = /^#\/\$defs\/([^/]+)$/;

/** Keywords beside a `$ref` that say something of the value and allow or forbid nothing. */
const ANNOTATIONS: ReadonlySet<string> = new Set(['title', 'description', 'default', 'examples', 'deprecated']);

/**
 * A schema with its `$defs` in the places that refer to them: several clients of MCP drop `$defs`, so that their models
 * do not know what an argument is, or they refuse all tools of the server. Definitions that hold themselves stay where
 * they are. `undefined` for a schema that would have too many values.
 *
 * @param most most values
 */
export function inlinedSchema(schema: JsonObject, most: number): JsonObject | undefined {
  const { $defs, ...others } = schema;
  if (!isJsonObject($defs)) return schema;
  const inliner = new Inliner($defs, most);
  const { recursive } = inliner;
  const whole = inliner.inlined(others);
  const kept = [...recursive].map((name) => [name, inliner.inlined($defs[name] ?? {})] as const);
  if (inliner.isOver || !isJsonObject(whole)) return undefined;
  return kept.length === 0 ? whole : { ...whole, $defs: Object.fromEntries(kept) };
}

class Inliner {
  /** Names of the definitions that hold themselves, directly or through others. */
  readonly recursive: ReadonlySet<string>;
  readonly #definitions: JsonObject;
  #left: number;

  constructor(definitions: JsonObject, most: number) {
    this.#definitions = definitions;
    this.#left = most;
    this.recursive = recursiveIn(definitions);
  }

  get isOver(): boolean {
    return this.#left < 0;
  }

  inlined(value: Json): Json {
    this.#left -= 1;
    if (this.isOver) return null;
    if (Array.isArray(value)) return value.map((each) => this.inlined(each));
    if (!isJsonObject(value)) return value;
    const definition = this.#meant(value);
    const { $ref: _, ...rest } = value;
    const members = Object.entries(definition === undefined ? value : rest);
    const own = Object.fromEntries(members.map(([key, each]) => [key, this.inlined(each)]));
    return definition === undefined ? own : beside(own, this.inlined(definition));
  }

  #meant(value: JsonObject): JsonObject | undefined {
    const name = nameIn(value);
    const definition = name === undefined || this.recursive.has(name) ? undefined : this.#definitions[name];
    return isJsonObject(definition) ? definition : undefined;
  }
}

/** A definition with what stood beside the reference to it. */
function beside(own: JsonObject, definition: Json): JsonObject {
  if (isJsonObject(definition) && Object.keys(own).every((key) => ANNOTATIONS.has(key))) {
    return { ...definition, ...own };
  }
  const { allOf } = own;
  return { ...own, allOf: [definition, ...(Array.isArray(allOf) ? allOf : [])] };
}

function recursiveIn(definitions: JsonObject): ReadonlySet<string> {
  const direct = new Map(Object.entries(definitions).map(([name, each]) => [name, namesIn(each)]));
  const holdsItself = (name: string): boolean => {
    const reached = new Set(direct.get(name));
    // A set that grows while it is walked is walked to its end.
    for (const each of reached) for (const next of direct.get(each) ?? []) reached.add(next);
    return reached.has(name);
  };
  return new Set([...direct.keys()].filter(holdsItself));
}

/** Names of the definitions that a value refers to. */
function namesIn(value: Json): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(namesIn);
  if (!isJsonObject(value)) return [];
  const name = nameIn(value);
  return [...(name === undefined ? [] : [name]), ...Object.values(value).flatMap(namesIn)];
}

/** The name of the definition that a schema refers to. */
function nameIn({ $ref }: JsonObject): string | undefined {
  const [, name] = typeof $ref === 'string' ? (DEFINITION.exec($ref) ?? []) : [];
  return name && unescapePart(name);
}
