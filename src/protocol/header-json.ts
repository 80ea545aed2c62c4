import type { Json, JsonObject } from '../domain/x402.ts';

/** A decoded header, or why it does not decode. */
export type HeaderJson = { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly wrong: string };

/** Standard alphabet with optional padding: what the official decoders take. No base64url, no white space. */
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
/** Deepest nesting taken; the official extensions stay under ten. */
const MAX_DEPTH = 32;

/** Decodes base64 of UTF-8 of JSON, as every x402 header is. */
export function decodeHeaderJson(header: string): HeaderJson {
  if (!BASE64.test(header) || header.replace(/=+$/, '').length % 4 === 1) {
    return { ok: false, wrong: 'it is not base64 in the standard alphabet' };
  }
  let value: Json;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(header, 'base64'));
    value = JSON.parse(text, refuseProto);
  } catch {
    return { ok: false, wrong: 'it does not hold UTF-8 JSON' };
  }
  return isDeeper(value, MAX_DEPTH) ? { ok: false, wrong: 'its JSON is nested too deeply' } : { ok: true, value };
}

/** Encodes JSON as x402 headers carry it. */
export function encodeHeaderJson(value: object): string {
  return Buffer.from(JSON.stringify(value), 'utf8').toString('base64');
}

/** No honest payload names a prototype, and no later copy of this one shall be poisoned by it. */
function refuseProto(key: string, value: Json): Json {
  if (key === '__proto__') throw new SyntaxError('__proto__ is not allowed');
  return value;
}

function isDeeper(value: Json, limit: number): boolean {
  if (value === null || typeof value !== 'object') return false;
  return limit === 0 || Object.values(value).some((entry) => isDeeper(entry, limit - 1));
}

/** The version that a payload states, for an error message: cut short, because a client wrote it. */
export function versionText(payload: JsonObject): string {
  return (JSON.stringify(payload['x402Version']) ?? 'missing').slice(0, 20);
}
