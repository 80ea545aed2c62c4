import { parseHost } from '../../domain/host.ts';
import type { Plan } from '../../domain/plan.ts';
import type { HeaderField, ImaginedRequest } from './imagined-request.ts';

/** RFC 9110 §5.6.2 */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const HEADER = /^([^:]+):[ \t]*(.*?)[ \t]*$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Reads `name: value`; `undefined` for what is not a valid header. */
export function readHeader(text: string): HeaderField | undefined {
  const [, name, value] = HEADER.exec(text) ?? [];
  if (name === undefined || value === undefined || !TOKEN.test(name) || !HEADER_VALUE.test(value)) return undefined;
  return [name, value];
}

/** Reads a request method; `undefined` for what is not a token. */
export function readMethod(text: string): string | undefined {
  return TOKEN.test(text) ? text.toUpperCase() : undefined;
}

/** The last value of a header; `undefined` where it is absent. */
export function headerValue(headers: readonly HeaderField[], name: string): string | undefined {
  return headers.findLast(([given]) => given.toLowerCase() === name)?.[1];
}

/**
 * The host and the request target that a client would send for a URL; for a bare path, no host. `undefined` for an
 * invalid host.
 */
export function splitUrl(url: string): { readonly host: string | undefined; readonly target: string } | undefined {
  const [withoutFragment = ''] = url.split('#', 1);
  const absolute = /^https?:\/\/([^/?]*)(.*)$/i.exec(withoutFragment);
  if (absolute === null) return { host: undefined, target: withoutFragment };
  const [, host = '', target = ''] = absolute;
  if (parseHost(host) === undefined) return undefined;
  return { host, target: target.startsWith('/') ? target : `/${target}` };
}

/** A request as people describe one. */
export interface DescribedRequest {
  readonly method: string;
  readonly host: string | undefined;
  readonly target: string;
  readonly headers: readonly HeaderField[];
  readonly body: string | Uint8Array | undefined;
}

/** The request that a client would send: to the named host, else to the gateway's own. */
export function imagine(plan: Pick<Plan, 'publicUrl'>, described: DescribedRequest): ImaginedRequest {
  const { method, host, target, headers, body } = described;
  const publicHost = plan.publicUrl === undefined ? undefined : new URL(plan.publicUrl).host;
  return {
    method,
    target,
    host: headerValue(headers, 'host') ?? host ?? publicHost ?? 'localhost',
    headers: headers.filter(([name]) => name.toLowerCase() !== 'host'),
    body: body === undefined ? undefined : Buffer.from(body),
  };
}
