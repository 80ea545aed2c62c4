import { isDeeper } from '../domain/json-depth.ts';
import { isJsonObject } from '../domain/payment.ts';
import type { Json, JsonObject } from '../domain/x402.ts';

/** A decoded header, or why it does not decode. */
export type HeaderJson = { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly wrong: string };

/** Standard alphabet with optional padding: what the official decoders take. No base64url, no white space. */
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
/** Deepest nesting taken; the official extensions stay under ten. */
const MAX_DEPTH = 32;
/** One decoder for all headers: it keeps no state between two texts. */
const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** Decodes base64 of UTF-8 of JSON, as every x402 header is. */
export function decodeHeaderJson(header: string): HeaderJson {
  if (!BASE64.test(header) || digitsOf(header) % 4 === 1) {
    return { ok: false, wrong: 'it is not base64 in the standard alphabet' };
  }
  return readJsonBytes(Buffer.from(header, 'base64'));
}

/** The object in a header of x402; `undefined` where the header is missing, does not decode, or holds something else. */
export function readHeaderObject(header: string | null | undefined): JsonObject | undefined {
  if (header === null || header === undefined) return undefined;
  const decoded = decodeHeaderJson(header);
  return decoded.ok && isJsonObject(decoded.value) ? decoded.value : undefined;
}

/** Reads UTF-8 JSON that a client sent, within the bounds that every header has. */
export function readJsonBytes(bytes: Uint8Array): HeaderJson {
  let value: Json;
  try {
    value = JSON.parse(UTF8.decode(bytes));
  } catch {
    return { ok: false, wrong: 'it does not hold UTF-8 JSON' };
  }
  if (isDeeper(value, MAX_DEPTH)) return { ok: false, wrong: 'its JSON is nested too deeply' };
  return namesPrototype(value) ? { ok: false, wrong: 'its JSON names a prototype' } : { ok: true, value };
}

/**
 * Whether clients can send JSON back to us in a payment, at most `above` levels down. {@link decodeHeaderJson} refuses
 * a payment with other JSON.
 */
export function canComeBack(value: Json, above: number): boolean {
  return !isDeeper(value, MAX_DEPTH - above) && !namesPrototype(value);
}

/** How many characters there are before the padding. */
function digitsOf(header: string): number {
  const padding = header.indexOf('=');
  return padding === -1 ? header.length : padding;
}

/** Encodes JSON as x402 headers carry it. */
export function encodeHeaderJson(value: Json | object): string {
  return Buffer.from(JSON.stringify(value), 'utf8').toString('base64');
}

/**
 * No honest payload names a prototype, and such a name must not poison a later copy. The parsed value is searched,
 * because a reviver would make the parser five times slower.
 */
function namesPrototype(value: Json): boolean {
  if (value === null || typeof value !== 'object') return false;
  for (const [key, entry] of Object.entries(value)) {
    if (key === '__proto__') return true;
    if (namesPrototype(entry)) return true;
  }
  return false;
}

/** The version that a payload states, for an error message: cut short, because a client wrote it. */
export function versionText(payload: JsonObject): string {
  return (JSON.stringify(payload['x402Version']) ?? 'missing').slice(0, 20);
}
