import { isJsonObject } from '../domain/payment.ts';
import type { Json, JsonObject } from '../domain/x402.ts';

/** Keeps the text of a number through reading and writing (TC39 "JSON.parse source text access"). */
interface RawJson {
  rawJSON(text: string): Json;
  isRawJSON(value: unknown): boolean;
  parse(text: string, reviver: (key: string, value: Json, context: { readonly source?: string }) => Json): Json;
}

const RAW = JSON as unknown as RawJson;

/** Whether a value that {@link parseExactly} made is an object, and no number. */
export function isRecord(value: Json | undefined): value is JsonObject {
  return isJsonObject(value) && !RAW.isRawJSON(value);
}

/**
 * Parses JSON so that writing it gives every number back as it came: an argument of 20 digits is no double. Its numbers are
 * opaque, and only good for {@link JSON.stringify}.
 *
 * @throws SyntaxError
 */
export function parseExactly(text: string): Json {
  return RAW.parse(text, (_, value, { source }) =>
    typeof value === 'number' && source !== undefined ? RAW.rawJSON(source) : value,
  );
}
