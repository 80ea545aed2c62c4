import { isUtf8 } from 'node:buffer';
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import { fieldIn } from '../domain/flat-fields.ts';
import type { JsonObject } from '../domain/x402.ts';

/** An answer of the API that a tool's call got. */
export interface ApiAnswer {
  readonly status: number;
  /** Flat list of names and values. */
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** Longest answer that goes into a message, in bytes. */
export const MOST_RESULT_BYTES = 8 * 1024 * 1024;

const TEXT =
  /^(?:text\/|application\/(?:json|xml|yaml|javascript|graphql|x-www-form-urlencoded|problem)|[^;]*\+(?:json|xml|yaml))/i;
const LINES_OF_JSON = /^application\/(?:x-ndjson|ndjson|jsonl|json-seq)/i;

/**
 * An answer of the API as the result of a tool: text as text, images and audio as such, anything else as a resource. An
 * answer without success is a failed result with its status.
 *
 * @param url of the request, under which hosts know the resource
 */
export function toolResult(answer: ApiAnswer, url: string): JsonObject {
  const { status, headers } = answer;
  const failed = status < 200 || status > 299;
  const body = decoded(answer);
  const mimeType = fieldIn(headers, 'content-type')?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const content = body === undefined ? [said('The answer is compressed in a way that is not known here.')] : [];
  const location = fieldIn(headers, 'location');
  if (failed) content.push(said(`HTTP ${status}${location === undefined ? '' : `, ${location}`}`));
  if (body !== undefined && body.length > 0) content.push(contentOf(body, mimeType, headers, url));
  if (content.length === 0) content.push(said(`HTTP ${status}`));
  return { content, isError: failed || body === undefined };
}

function said(text: string): JsonObject {
  return { type: 'text', text };
}

function contentOf(body: Buffer, mimeType: string, headers: readonly string[], url: string): JsonObject {
  if (mimeType === '' ? isUtf8(body) : TEXT.test(mimeType) || LINES_OF_JSON.test(mimeType)) {
    return said(textOf(body, headers));
  }
  const data = body.toString('base64');
  if (/^image\//.test(mimeType) && !mimeType.includes('svg')) return { type: 'image', data, mimeType };
  if (/^audio\//.test(mimeType)) return { type: 'audio', data, mimeType };
  const known = mimeType === '' ? 'application/octet-stream' : mimeType;
  return { type: 'resource', resource: { uri: url, mimeType: known, blob: data } };
}

function textOf(body: Buffer, headers: readonly string[]): string {
  const [, charset = 'utf-8'] = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(fieldIn(headers, 'content-type') ?? '') ?? [];
  try {
    return new TextDecoder(charset).decode(body);
  } catch {
    return body.toString('utf8');
  }
}

/** The decoder of each content coding. APIs are asked not to compress, but some do. */
const DECODERS: Readonly<Record<string, (body: Buffer, options: { maxOutputLength: number }) => Buffer>> = {
  gzip: gunzipSync,
  'x-gzip': gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
  identity: (body) => body,
};

/** The decoded body; `undefined` where it cannot be decoded within the bound. */
function decoded({ headers, body }: ApiAnswer): Buffer | undefined {
  const coding = fieldIn(headers, 'content-encoding')?.trim().toLowerCase() ?? '';
  if (coding === '' || body.length === 0) return body;
  try {
    const decode = Object.hasOwn(DECODERS, coding) ? DECODERS[coding] : undefined;
    return decode?.(body, { maxOutputLength: MOST_RESULT_BYTES });
  } catch {
    return undefined;
  }
}
