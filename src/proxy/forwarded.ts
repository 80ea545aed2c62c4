import { parseHost } from '../domain/host.ts';
import type { RequestHead } from '../domain/request-head.ts';
import { canonicalizePath } from '../domain/request-target.ts';

/** How a client reached the proxy in front, as far as that proxy says so in a form that can be read. */
export interface ForwardedOrigin {
  readonly proto: 'http' | 'https' | undefined;
  /** Lower case, with its port where that is not the scheme's own. */
  readonly host: string | undefined;
  /** Path that the proxy took off the front: `''`, or `/api` without a trailing slash. */
  readonly prefix: string;
}

/**
 * Reads `X-Forwarded-Proto`, `-Host`, `-Port`, `-Prefix`, else `Forwarded` (RFC 7239). Of several values the first
 * counts: each proxy adds its own at the end. An unreadable value counts as absent.
 *
 * To be called for a trusted peer's request only: a client could otherwise choose the URL that others pay for.
 */
export function forwardedOrigin({ headers }: Pick<RequestHead, 'headers'>): ForwardedOrigin {
  const pairs = forwardedPairs(single(headers.forwarded))[0];
  const proto = readProto(first(headers['x-forwarded-proto']) ?? pairs?.get('proto'));
  const host = parseHost(first(headers['x-forwarded-host'])) ?? parseHost(pairs?.get('host'));
  const port = first(headers['x-forwarded-port']);
  return {
    proto,
    host: host && withPort(host, port),
    prefix: readPrefix(first(headers['x-forwarded-prefix'])),
  };
}

/** The hops of `X-Forwarded-For`, else of `Forwarded`, the client first. */
export function forwardedHops({ headers }: Pick<RequestHead, 'headers'>): string[] {
  const listed = single(headers['x-forwarded-for']);
  if (listed !== undefined) return listed.split(',').map((hop) => hop.trim());
  return forwardedPairs(single(headers.forwarded)).map((pairs) => pairs.get('for') ?? '');
}

/** Node joins repeated headers with a comma; `undefined` for one that is not there. */
function single(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.join(',');
}

function first(value: string | string[] | undefined): string | undefined {
  return single(value)?.split(',', 1)[0]?.trim();
}

/** The scheme of HTTP. Traefik names that of the WebSocket where a request asks for one. */
function readProto(text: string | undefined): 'http' | 'https' | undefined {
  switch (text?.toLowerCase()) {
    case 'http':
    case 'ws':
      return 'http';
    case 'https':
    case 'wss':
      return 'https';
    default:
      return undefined;
  }
}

/**
 * Adds the port to a host that names none, unless it is the default port of a scheme. That of the other scheme is the
 * port of a proxy in the middle, behind one that took off the TLS: nobody serves `https` on port 80.
 */
function withPort(host: string, port: string | undefined): string {
  if (port === undefined || !/^\d{1,5}$/.test(port) || /:\d+$/.test(host)) return host;
  if (Number(port) === 443 || Number(port) === 80) return host;
  return parseHost(`${host}:${Number(port)}`) ?? host;
}

function readPrefix(text: string | undefined): string {
  const path = text?.replace(/\/$/, '') ?? '';
  if (path === '') return '';
  const canonical = canonicalizePath(path);
  return canonical.ok ? canonical.path : '';
}

/** Longest `Forwarded` that is read, in characters: unfinished quotes in it are looked through again and again. */
const MOST_FORWARDED = 2048;

const ELEMENTS = /(?:"(?:[^"\\]|\\.)*"|[^",])+/g;
const PAIR = /([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s";]*))/g;

/** A quote that a client leaves open would swallow what the proxies behind it write. */
const BALANCED = /^(?:"(?:[^"\\]|\\.)*"|[^"])*$/;

/** The elements of a `Forwarded` header, by lower-case parameter. The first of a repeated parameter counts. */
function forwardedPairs(header: string | undefined): ReadonlyMap<string, string>[] {
  if (header === undefined || header.length > MOST_FORWARDED || !BALANCED.test(header)) return [];
  return (header.match(ELEMENTS) ?? []).map((element) => {
    const pairs = new Map<string, string>();
    for (const [, name = '', quoted, token = ''] of element.matchAll(PAIR)) {
      const key = name.toLowerCase();
      if (!pairs.has(key)) pairs.set(key, quoted?.replace(/\\(.)/g, '$1') ?? token);
    }
    return pairs;
  });
}
