import { isJsonObject } from './payment.ts';
import type { Json, JsonObject } from './x402.ts';

/**
 * Parses JSON so that writing it gives every number back as it came: an argument of 20 digits is no double. Its numbers are
 * opaque, and only good for {@link JSON.stringify}.
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
