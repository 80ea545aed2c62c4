import type { IncomingHttpHeaders } from 'node:http2';

/** The head of an HTTP/1.1 request that says the same as one of HTTP/2. */
export interface Http1Head {
  readonly method: string;
  readonly target: string;
  /** Flat list of names and values, framing included. */
  readonly headers: string[];
}

/** A head that HTTP/1.1 can express, or the reason why it cannot. */
export type HeadResult =
  | { readonly ok: true; readonly head: Http1Head }
  | { readonly ok: false; readonly code: 'request_malformed' | 'host_invalid' | 'method_not_allowed' };

/** Headers about a connection, which HTTP/2 forbids (RFC 9113 §8.2.2). */
export const CONNECTION_SPECIFIC: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);
/** A client that sends one of these intends a misreading. */
const REFUSED: ReadonlySet<string> = new Set([...CONNECTION_SPECIFIC, 'http2-settings']);
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const TARGET = /^(?:\/[!-~]*|\*)$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/**
 * Envoy passes the scheme of its own client on, which is `http` where that spoke no TLS. It decides nothing here: what
 * counts is the connection, or the word of a trusted proxy.
 */
const SCHEME = /^https?$/i;

/**
 * Expresses an HTTP/2 request in HTTP/1.1, where it has only one reading there (RFC 9113 §8.3, §8.2.3, §10.3).
 *
 * Node has refused what is not valid HTTP/2. This refuses what would mean something else, or two things, on a line of
 * HTTP/1.1: two names of a host, headers of a connection, blanks and line ends.
 *
 * @param raw flat list, pseudo-headers first
 * @param hasBody whether anything follows the head
 */
export function http1HeadOf(pseudo: IncomingHttpHeaders, raw: readonly string[], hasBody: boolean): HeadResult {
  const { ':method': method = '', ':path': target = '', ':scheme': scheme, ':authority': authority } = pseudo;
  if (method === 'CONNECT') return { ok: false, code: 'method_not_allowed' };
  if (!TOKEN.test(method) || !TARGET.test(target) || !SCHEME.test(scheme ?? '')) return MALFORMED;
  const fields = readFields(raw);
  if (fields === undefined || !isSoundLength(fields.lengths, hasBody)) return MALFORMED;
  const hosts = new Set(
    [...(authority === undefined ? [] : [authority]), ...fields.hosts].map((name) => name.toLowerCase()),
  );
  const [host] = hosts;
  if (host === undefined || hosts.size > 1) return { ok: false, code: 'host_invalid' };
  const { others, cookies, lengths } = fields;
  // Clients send cookies one by one (RFC 9113 §8.2.3), which HTTP/1.1 reads as several headers.
  if (cookies.length > 0) others.push('cookie', cookies.join('; '));
  const headers = ['host', host, ...others, ...framing(method, lengths[0], hasBody)];
  return { ok: true, head: { method, target, headers } };
}

interface Fields {
  readonly hosts: string[];
  readonly cookies: string[];
  readonly lengths: string[];
  /** Flat list. */
  readonly others: string[];
}

function readFields(raw: readonly string[]): Fields | undefined {
  const fields: Fields = { hosts: [], cookies: [], lengths: [], others: [] };
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index]?.toLowerCase() ?? '';
    const value = raw[index + 1] ?? '';
    // No API is sent the trailers of an upload, and Node does not write `Trailer` above a body of known length.
    if (name.startsWith(':') || name === 'trailer') continue;
    if (REFUSED.has(name) || !TOKEN.test(name) || !VALUE.test(value)) return undefined;
    if (name === 'host') fields.hosts.push(value);
    else if (name === 'cookie') fields.cookies.push(value);
    else if (name === 'content-length') fields.lengths.push(value);
    else fields.others.push(name, value);
  }
  return fields;
}

/** At most one length, and none that would contradict a message without a body. */
function isSoundLength(lengths: readonly string[], hasBody: boolean): boolean {
  const [length] = lengths;
  if (length === undefined) return true;
  return lengths.length === 1 && /^\d{1,15}$/.test(length) && (hasBody || Number(length) === 0);
}

const MALFORMED: HeadResult = { ok: false, code: 'request_malformed' };
const WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

function framing(method: string, length: string | undefined, hasBody: boolean): readonly string[] {
  if (length !== undefined) return ['content-length', length];
  if (hasBody) return ['transfer-encoding', 'chunked'];
  return WITH_BODY.has(method) ? ['content-length', '0'] : [];
}
