import type { PathRewrite } from '../../domain/route.ts';
import type { UpstreamServer } from '../../domain/upstream.ts';

/** The facts that map locations of the API to public ones. */
export interface PublicPlace {
  /** Origin that clients see. */
  readonly publicOrigin: string;
  readonly servers: readonly UpstreamServer[];
  /** Host header that is sent to the API, if one is configured. */
  readonly host: string | undefined;
  readonly rewrite: PathRewrite | undefined;
}

/** The fields that hold a location, by the length of their names: the length excludes most other headers. */
const BY_LENGTH = new Map(['link', 'refresh', 'location', 'content-location'].map((name) => [name.length, name]));

/** Whether a response has a field with a location: most have none. @param raw flat list */
export function hasLocations(raw: readonly string[]): boolean {
  for (let i = 0; i + 1 < raw.length; i += 2) if (isLocation(raw[i] ?? '')) return true;
  return false;
}

/**
 * Replaces the locations in a response (`Location`, `Content-Location`, `Link`, `Refresh`) by the public ones: the
 * API's own origin becomes the public origin, and the rewrite of the route's path is undone. A client that followed the
 * API's own locations would bypass the gateway, with its payment, or reach a path that does not exist. Other origins,
 * queries and fragments stay unchanged.
 *
 * @param raw flat list, changed where it is
 */
export function publishLocations(raw: string[], place: PublicPlace): void {
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? '';
    if (!isLocation(name)) continue;
    raw[i + 1] = published(name.toLowerCase(), raw[i + 1] ?? '', place);
  }
}

function isLocation(name: string): boolean {
  const known = BY_LENGTH.get(name.length);
  return known !== undefined && name.toLowerCase() === known;
}

function published(name: string, value: string, place: PublicPlace): string {
  switch (name) {
    case 'link':
      // A target stands between angle brackets, which may also stand in a quoted parameter (RFC 8288 §3).
      return value.replace(/"(?:[^"\\]|\\.)*"?|<([^<>]*)>/g, (match, target?: string) =>
        target === undefined ? match : `<${publicUrlOf(target, place)}>`,
      );
    case 'refresh':
      return publishedRefresh(value, place);
    default:
      return publicUrlOf(value, place);
  }
}

/** `5; url=…`, with or without quotes. */
function publishedRefresh(value: string, place: PublicPlace): string {
  const [before = ''] = /^\s*[\d.]+\s*(?:[;,]\s*)?(?:url\s*=\s*)?["']?/i.exec(value) ?? [];
  if (before === '') return value;
  const [target = ''] = /^[^"']*/.exec(value.slice(before.length)) ?? [];
  return before + publicUrlOf(target, place) + value.slice(before.length + target.length);
}

/** The public form of a reference. */
function publicUrlOf(reference: string, place: PublicPlace): string {
  const [, lead = '', scheme, authority = '', path = '', rest = ''] =
    /^(\s*)(?:([a-z][a-z0-9+.-]*:)?\/\/([^/?#\s]*))?([^?#]*)(.*)$/is.exec(reference) ?? [];
  if (authority === '') return path.startsWith('/') ? lead + publicPathOf(path, place) + rest : reference;
  const server = place.servers.find(({ origin }) => isOrigin(scheme, authority, origin, place.host));
  if (server === undefined) return reference;
  return lead + place.publicOrigin + publicPathOf(path, place, server) + rest;
}

/**
 * Whether an authority is that of a server, or its configured host. An authority with user info is never one of them.
 */
function isOrigin(scheme: string | undefined, authority: string, origin: string, host: string | undefined): boolean {
  if (authority.includes('@')) return false;
  const { protocol } = new URL(origin);
  const named = originOf(`${scheme ?? protocol}//${authority}`);
  if (named === undefined) return false;
  return named === origin || (host !== undefined && named === originOf(`${protocol}//${host}`));
}

/** The canonical origin of a URL: lower case, without the default port of its scheme. */
function originOf(url: string): string | undefined {
  const parsed = URL.parse(url);
  return parsed === null || parsed.origin === 'null' ? undefined : parsed.origin;
}

/** Removes the base path that the gateway adds, and undoes the rewrite. */
function publicPathOf(path: string, { servers, rewrite }: PublicPlace, server?: UpstreamServer): string {
  const bases = server === undefined ? servers : [server];
  const base = bases.find(({ basePath }) => basePath !== '' && below(path, basePath) !== undefined);
  const hasBases = bases.some(({ basePath }) => basePath !== '');
  // Outside of the base path nothing was rewritten.
  if (base === undefined && hasBases) return path;
  const own = base === undefined ? path : (below(path, base.basePath) ?? path) || '/';
  if (rewrite === undefined) return own;
  // Where the rewrite removes a prefix, an API that knows the prefix includes it already.
  if (below(rewrite.from, rewrite.to) !== undefined && below(own, rewrite.from) !== undefined) return own;
  const rest = below(own, rewrite.to);
  if (rest === undefined) return own;
  return rewrite.from === '/' ? rest || '/' : rewrite.from + rest;
}

/** The part of a path after a prefix of whole segments; `undefined` where the path is not below the prefix. */
function below(path: string, prefix: string): string | undefined {
  if (prefix === '/') return path;
  if (path === prefix) return '';
  return path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : undefined;
}
