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
