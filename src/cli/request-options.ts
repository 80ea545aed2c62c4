import { parseHost } from '../domain/host.ts';
import { UsageError } from './exit.ts';

/** A header as `-H` gives it. */
export type HeaderField = readonly [name: string, value: string];

/** RFC 9110 §5.6.2 */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const HEADER = /^([^:]+):[ \t]*(.*?)[ \t]*$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * Reads `-H 'name: value'`.
 *
 * @throws UsageError when it is not a header
 */
export function parseHeader(text: string): HeaderField {
  const [, name, value] = HEADER.exec(text) ?? [];
  // The text is not repeated: what was meant to be a header is often a credential.
  if (name === undefined || value === undefined || !TOKEN.test(name) || !HEADER_VALUE.test(value)) {
    throw new UsageError("a header given with -H cannot be sent; write it as 'name: value'");
  }
  return [name, value];
}

/**
 * Reads a request method.
 *
 * @throws UsageError when it is not a token
 */
export function parseMethod(text: string): string {
  if (!TOKEN.test(text)) throw new UsageError(`${JSON.stringify(text)} is not a method; right is GET or POST`);
  return text.toUpperCase();
}

/** The last value of a header, `undefined` where it is not given. */
export function headerValue(headers: readonly HeaderField[], name: string): string | undefined {
  return headers.findLast(([given]) => given.toLowerCase() === name)?.[1];
}

/** The host and the request target that a client would send for a URL; for a bare path, no host. */
export function splitUrl(url: string): { readonly host: string | undefined; readonly target: string } {
  const [withoutFragment = ''] = url.split('#', 1);
  const absolute = /^https?:\/\/([^/?]*)(.*)$/i.exec(withoutFragment);
  if (absolute === null) return { host: undefined, target: withoutFragment };
  const [, host = '', target = ''] = absolute;
  if (parseHost(host) === undefined) {
    throw new UsageError(`${JSON.stringify(host)} is not a host; right is a URL such as https://api.example.com/path`);
  }
  return { host, target: target.startsWith('/') ? target : `/${target}` };
}
