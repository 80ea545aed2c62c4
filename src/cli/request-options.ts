import type { HeaderField } from '../server/explain/imagined-request.ts';
import { readHeader, readMethod, splitUrl as split } from '../server/explain/request-text.ts';
import { UsageError } from './exit.ts';

/**
 * Reads `-H 'name: value'`.
 *
 * @throws UsageError when it is not a header
 */
export function parseHeader(text: string): HeaderField {
  const header = readHeader(text);
  // The text is not repeated: what was meant to be a header is often a credential.
  if (header === undefined) throw new UsageError("a header given with -H cannot be sent; write it as 'name: value'");
  return header;
}

/**
 * Reads a request method.
 *
 * @throws UsageError when it is not a token
 */
export function parseMethod(text: string): string {
  const method = readMethod(text);
  if (method === undefined) throw new UsageError(`${JSON.stringify(text)} is not a method; right is GET or POST`);
  return method;
}

/**
 * The host and the request target that a client would send for a URL; for a bare path, no host.
 *
 * @throws UsageError when the host is none
 */
export function splitUrl(url: string): NonNullable<ReturnType<typeof split>> {
  const parts = split(url);
  if (parts !== undefined) return parts;
  const [, host = ''] = /^https?:\/\/([^/?#]*)/i.exec(url) ?? [];
  throw new UsageError(`${JSON.stringify(host)} is not a host; right is a URL such as https://api.example.com/path`);
}
