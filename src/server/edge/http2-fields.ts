import { CONNECTION_SPECIFIC } from './http2-request.ts';

/** Fields of an answer as Node takes them. */
export type Http2Fields = Record<string, string | string[]>;

/** Fields that Node sends once in a message of HTTP/2, and throws for a second value. */
export const SENT_ONCE: ReadonlySet<string> = new Set([
  'access-control-allow-credentials',
  'access-control-max-age',
  'access-control-request-method',
  'age',
  'authorization',
  'content-encoding',
  'content-language',
  'content-length',
  'content-location',
  'content-md5',
  'content-range',
  'content-type',
  'date',
  'dnt',
  'etag',
  'expires',
  'from',
  'host',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'last-modified',
  'location',
  'max-forwards',
  'proxy-authorization',
  'range',
  'referer',
  'retry-after',
  'tk',
  'upgrade-insecure-requests',
  'user-agent',
  'x-content-type-options',
]);

/**
 * A flat list as HTTP/2 fields: names in lower case, repeated ones as lists, nothing about our connection. Of a field
 * that Node sends once the first value is left, which is the one that clients of HTTP/1.1 read.
 */
export function http2FieldsOf(raw: readonly string[]): Http2Fields {
  const fields: Http2Fields = {};
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index]?.toLowerCase() ?? '';
    const value = raw[index + 1] ?? '';
    if (CONNECTION_SPECIFIC.has(name)) continue;
    const present = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (present === undefined) define(fields, name, value);
    else if (!SENT_ONCE.has(name)) define(fields, name, [present, value].flat());
  }
  return fields;
}

/** Also defines `__proto__`, which an assignment would not. */
function define(fields: Http2Fields, name: string, value: string | string[]): void {
  Object.defineProperty(fields, name, { value, enumerable: true, writable: true, configurable: true });
}
