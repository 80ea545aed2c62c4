import { type EncodedCharacter, encodedIn, leadsElsewhere } from './encoded-path.ts';
import { parseHost } from './host.ts';

/** A request target that can be read in one way only. */
export interface RequestTarget {
  /** Canonical path, beginning with `/`: what is matched and what is forwarded, byte for byte. */
  readonly path: string;
  /** Query with its `?`, as sent; `''` where there is none. */
  readonly query: string;
  /** Host with port of an absolute-form target, lower case; `undefined` for the usual origin form. */
  readonly authority: string | undefined;
}

/**
 * What a canonical segment means: its text without escapes. Everything that compares segments, of requests and of the
 * configuration, compares this: `%40me` is `@me`, as most APIs read it. Compared as written, an escape would lead past a
 * priced route to a cheaper one, or past a rewrite.
 */
export function meaningOf(segment: string): string {
  return segment.includes('%') ? decodeURIComponent(segment) : segment;
}

/**
 * A canonical path without a slash at its end; `/` stays. Many APIs redirect from one form to the other, and clients
 * follow with the payment of the first.
 */
export function withoutEndSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

/** A parsed target, or what is wrong with it. */
export type TargetResult =
  | { readonly ok: true; readonly target: RequestTarget }
  | { readonly ok: false; readonly wrong: string };

/** A canonical path, or what is wrong with it. */
export type PathResult = { readonly ok: true; readonly path: string } | { readonly ok: false; readonly wrong: string };

/** What a path may hold literally: RFC 3986 `pchar` and `/`, without `;`, which servers disagree about. */
const PLAIN_PATH = /^(?:\/[A-Za-z0-9\-._~!$&'()*+,=:@]*)+$/;
const PLAIN_OR_SEMICOLON = new RegExp(PLAIN_PATH.source.replace(':@', ':@;'));
/** Escapes that servers disagree about. */
const DISPUTED = new Map<number, EncodedCharacter>([
  [0x2f, 'slash'],
  [0x5c, 'backslash'],
  [0x3b, 'semicolon'],
]);
const NONE: readonly EncodedCharacter[] = [];
/** A query is forwarded as sent, so long as it is printable ASCII without blanks, and not the start of a fragment. */
const QUERY = /^\?[!"$-~]*$/;
/** Characters that browsers send bare in a path although RFC 3986 has them escaped. Servers read both alike. */
const ESCAPED_BY_US = new Map([
  ['[', '%5B'],
  [']', '%5D'],
  ['|', '%7C'],
]);
const UNRESERVED = /[A-Za-z0-9\-._~]/;
const ABSOLUTE_FORM = /^https?:\/\/([^/?#]*)(.*)$/i;

/**
 * Reads the request target of an HTTP/1.1 request line in origin or absolute form.
 *
 * Refuses what two servers could read differently, instead of guessing: a path that is free here and paid there is a
 * way around the gate. Whether an absolute-form authority is ours is for the caller to say.
 *
 * @param allowed what is not refused of what servers disagree about, and stays as it came
 */
export function parseRequestTarget(raw: string, allowed = NONE): TargetResult {
  const absolute = raw.startsWith('/') ? null : ABSOLUTE_FORM.exec(raw);
  if (!raw.startsWith('/') && absolute === null) return refuse('it is neither a path nor an http URL');
  const origin = absolute === null ? raw : (absolute[2] ?? '');
  const authority = absolute === null ? undefined : parseHost(absolute[1]);
  if (absolute !== null && authority === undefined) return refuse('its authority is not a host');
  const queryAt = origin.indexOf('?');
  const rawPath = queryAt === -1 ? origin : origin.slice(0, queryAt);
  const query = queryAt === -1 ? '' : origin.slice(queryAt);
  const canonical = canonicalizePath(rawPath === '' && authority !== undefined ? '/' : rawPath, allowed);
  if (!canonical.ok) return canonical;
  if (query !== '' && !QUERY.test(query)) return refuse('the query holds a character that must be percent-encoded');
  return { ok: true, target: { path: canonical.path, query, authority } };
}

/**
 * The one canonical form of a path: unreserved characters decoded, other escapes in upper-case hex.
 *
 * Refused: empty segments, `.` and `..` in any encoding, encoded slashes and backslashes, `;` path parameters, control
 * characters, bad escapes, and escapes that are not UTF-8.
 *
 * @param allowed what of it is not refused: it stays as it came, so long as no reading of it is a `.` or `..` segment
 */
export function canonicalizePath(raw: string, allowed = NONE): PathResult {
  if (PLAIN_PATH.test(raw)) return checkSegments(raw, allowed);
  if (!raw.startsWith('/')) return refuse('the path does not begin with /');
  const decoded = normalizeEscapes(raw, allowed);
  if (!decoded.ok) return decoded;
  const plain = allowed.includes('semicolon') ? PLAIN_OR_SEMICOLON : PLAIN_PATH;
  if (!plain.test(decoded.path.replace(/%[0-9A-F]{2}/gi, ''))) {
    return refuse('the path holds a character that must be percent-encoded or is not allowed');
  }
  return checkSegments(decoded.path, allowed);
}

function normalizeEscapes(raw: string, allowed: readonly EncodedCharacter[]): PathResult {
  let path = '';
  for (let index = 0; index < raw.length; index += 1) {
    const char = raw.charAt(index);
    if (char !== '%') {
      path += ESCAPED_BY_US.get(char) ?? char;
      continue;
    }
    const hex = raw.slice(index + 1, index + 3);
    if (!/^[0-9A-Fa-f]{2}$/.test(hex)) return refuse('the path holds a broken percent-escape');
    const code = Number.parseInt(hex, 16);
    if (code < 0x20 || code === 0x7f) return refuse('the path holds an encoded control character');
    const disputed = DISPUTED.get(code);
    if (disputed !== undefined) {
      if (!allowed.includes(disputed)) return refuse(refusalOf(disputed));
      path += raw.slice(index, index + 3);
      index += 2;
      continue;
    }
    const literal = String.fromCharCode(code);
    path += code < 0x80 && UNRESERVED.test(literal) ? literal : `%${hex.toUpperCase()}`;
    index += 2;
  }
  // Looked for in the result: the hex digits after an encoded % may have been encoded themselves.
  if (/%25[0-9A-Fa-f]{2}/.test(path)) return refuse('the path is encoded twice');
  const text = decodeUtf8(path);
  if (text === undefined) return refuse('the path holds escapes that are not UTF-8');
  return /\p{Cc}/u.test(text) ? refuse('the path holds an encoded control character') : { ok: true, path };
}

function refusalOf(disputed: EncodedCharacter): string {
  return `the path holds an encoded ${disputed === 'semicolon' ? 'semicolon' : 'slash or backslash'}`;
}

function checkSegments(path: string, allowed: readonly EncodedCharacter[]): PathResult {
  // At the front it would be an authority to some servers (RFC 3986 §4.2), even where it is allowed.
  if (path.includes('//') && (!allowed.includes('empty') || path.startsWith('//')))
    return refuse('the path holds an empty segment');
  if (/\/\.{1,2}(?:\/|$)/.test(path)) return refuse('the path holds a . or .. segment');
  if (allowed.length > 0 && encodedIn(path).length > 0 && leadsElsewhere(path))
    return refuse('the path holds what may be read as a . or .. segment');
  return { ok: true, path };
}

function decodeUtf8(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

function refuse(wrong: string): { ok: false; wrong: string } {
  return { ok: false, wrong };
}
