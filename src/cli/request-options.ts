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
 * Refuses a URL with a user or a password, which no client sends as part of one. The text is not repeated.
 *
 * @throws UsageError
 */
export function refuseUserInfo(url: string): void {
  if (!/^https?:\/\/[^/?#]*@/i.test(url)) return;
  throw new UsageError(
    "the URL holds a user or a password; right is the URL without them, and -H 'Authorization: Basic …' where the server asks for it",
  );
}

/**
 * The host and the request target that a client would send for a URL; for a bare path, no host.
 *
 * @throws UsageError when the host is none
 */
export function splitUrl(url: string): NonNullable<ReturnType<typeof split>> {
  refuseUserInfo(url);
  const parts = split(url);
  if (parts !== undefined) return parts;
  const [, host = ''] = /^https?:\/\/([^/?#]*)/i.exec(url) ?? [];
  throw new UsageError(`${JSON.stringify(host)} is not a host; right is a URL such as https://api.example.com/path`);
}
