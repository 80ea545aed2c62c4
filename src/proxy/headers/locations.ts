import type { PathRewrite } from '../../domain/route.ts';
import type { UpstreamServer } from '../../domain/upstream.ts';

/** What of the API's places clients see in another place. */
export interface PublicPlace {
  /** Origin that clients see. */
  readonly publicOrigin: string;
  readonly servers: readonly UpstreamServer[];
  /** Host that the API is told to be, if that is configured. */
  readonly host: string | undefined;
  readonly rewrite: PathRewrite | undefined;
}

/** The fields that hold a location, by the length of their names: most headers are told apart by that. */
const BY_LENGTH = new Map(['link', 'refresh', 'location', 'content-location'].map((name) => [name.length, name]));

/** Whether a response has a field that leads somewhere: most have none. @param raw flat list */
export function hasLocations(raw: readonly string[]): boolean {
  for (let i = 0; i + 1 < raw.length; i += 2) if (isLocation(raw[i] ?? '')) return true;
  return false;
}

/**
 * Has the fields of a response that lead somewhere (`Location`, `Content-Location`, `Link`, `Refresh`) name the place
 * where clients find it: what is on the API's own origin is on the public one for them, and a path below what a route's
 * path is rewritten to is below the route's own. A client that followed the API's word would go past the gateway, with
 * its payment, or to a path that nobody serves. Other origins are never touched, and neither are queries and fragments.
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

/** A reference as clients have to read it. */
function publicUrlOf(reference: string, place: PublicPlace): string {
  const [, lead = '', scheme, authority = '', path = '', rest = ''] =
    /^(\s*)(?:([a-z][a-z0-9+.-]*:)?\/\/([^/?#\s]*))?([^?#]*)(.*)$/is.exec(reference) ?? [];
  if (authority === '') return path.startsWith('/') ? lead + publicPathOf(path, place) + rest : reference;
  const server = place.servers.find(({ origin }) => isOrigin(scheme, authority, origin, place.host));
  if (server === undefined) return reference;
  return lead + place.publicOrigin + publicPathOf(path, place, server) + rest;
}

/** Whether an authority is that of a server, or what it is told to be. Who names an account names somebody else. */
function isOrigin(scheme: string | undefined, authority: string, origin: string, host: string | undefined): boolean {
  if (authority.includes('@')) return false;
  const { protocol } = new URL(origin);
  const named = originOf(`${scheme ?? protocol}//${authority}`);
  if (named === undefined) return false;
  return named === origin || (host !== undefined && named === originOf(`${protocol}//${host}`));
}

/** Its canonical spelling: lower case, without the port that its scheme has anyway. */
function originOf(url: string): string | undefined {
  const parsed = URL.parse(url);
  return parsed === null || parsed.origin === 'null' ? undefined : parsed.origin;
}

/** Takes off what the gateway put before the path, and undoes the rewrite. */
function publicPathOf(path: string, { servers, rewrite }: PublicPlace, server?: UpstreamServer): string {
  const bases = server === undefined ? servers : [server];
  const base = bases.find(({ basePath }) => basePath !== '' && below(path, basePath) !== undefined);
  const hasBases = bases.some(({ basePath }) => basePath !== '');
  // Outside of the base path nothing was rewritten.
  if (base === undefined && hasBases) return path;
  const own = base === undefined ? path : (below(path, base.basePath) ?? path) || '/';
  if (rewrite === undefined) return own;
  // Where a prefix is taken off, an API that knows of it names it already.
  if (below(rewrite.from, rewrite.to) !== undefined && below(own, rewrite.from) !== undefined) return own;
  const rest = below(own, rewrite.to);
  if (rest === undefined) return own;
  return rewrite.from === '/' ? rest || '/' : rewrite.from + rest;
}

/** What of a path comes after a prefix of whole segments; `undefined` where it is not below it. */
function below(path: string, prefix: string): string | undefined {
  if (prefix === '/') return path;
  if (path === prefix) return '';
  return path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : undefined;
}
