import { isJsonObject } from './payment.ts';
import type { Json, JsonObject } from './x402.ts';

/**
 * Parses JSON so that writing it gives every number back as it came: a double cannot hold an argument of 20 digits. The
 * numbers are opaque values, for {@link JSON.stringify} only.
 *
 * @throws SyntaxError
 */
export function parseExactly(text: string): Json {
  return JSON.parse(text, (_key, value: Json, { source }) =>
    typeof value === 'number' && source !== undefined ? JSON.rawJSON(source) : value,
  );
}

/** Whether a value that {@link parseExactly} made is an object, and no number. */
export function isRecord(value: Json | undefined): value is JsonObject {
  return isJsonObject(value) && !JSON.isRawJSON(value);
}

/** The member at a path of names; `undefined` where there is none, and for an empty path. */
export function memberAt(value: Json, path: readonly string[]): Json | undefined {
  let found: Json | undefined = value;
  for (const name of path) {
    if (!isRecord(found)) return undefined;
    found = Object.hasOwn(found, name) ? found[name] : undefined;
  }
  return path.length === 0 ? undefined : found;
}
