import { domainToUnicode } from 'node:url';
import type { McpTarget } from '../domain/mcp-terms.ts';

/** Blanks and control characters, which no URI has (RFC 3986 §2). WHATWG URL drops some of them. */
const BLANK = /[\p{Cc}\p{Z}\ufeff]/u;

/** The same, and invisible characters, which are dropped from the names of hosts. */
const DROPPED = /[\p{Cc}\p{Cf}\p{Z}]/gu;

/** Whether a URI holds a blank or a control character. */
export function holdsBlank(uri: string): boolean {
  return BLANK.test(uri);
}

/**
 * The names that servers may take a name for, each in the one form of all its spellings. Servers of the official SDKs
 * find a resource by `new URL(uri).href` (TypeScript), pydantic's `AnyUrl` (Python), or without regard to case (C#).
 */
export function readingsOf(target: McpTarget, name: string): readonly string[] {
  if (target !== 'resource') return [plain(name)];
  // The fragment is no part of what identifies a resource (RFC 3986 §3.5).
  const spellings = [name, withoutFragment(name)].flatMap((uri) => [uri, parsedUri(uri)]);
  return [...new Set(spellings.map(uriForm))];
}

/** The patterns that a reading is compared with in place of a pattern of the price table. */
export function patternForms(target: McpTarget, pattern: string): readonly string[] {
  if (target !== 'resource') return [plain(pattern)];
  // With a wildcard in it, a parser could put the parts of a URI elsewhere.
  const spellings = pattern.includes('*') ? [pattern] : [pattern, parsedUri(pattern)];
  return [...new Set(spellings.map(uriForm))];
}

function plain(text: string): string {
  return text.replace(DROPPED, '').normalize('NFKC').toLowerCase();
}

/** WHATWG URL; the text itself where it is no URL. */
function parsedUri(text: string): string {
  return URL.canParse(text) ? new URL(text).href : text;
}

function withoutFragment(uri: string): string {
  const at = uri.indexOf('#');
  return at === -1 ? uri : uri.slice(0, at);
}

/** The one form of all spellings of a URI: decoded, in lower case, with its dot segments resolved. Not for requests. */
function uriForm(text: string): string {
  const decoded = plain(percentDecoded(text)).replaceAll('\\', '/');
  return withoutDots(decoded.replace(/\bxn--[a-z0-9-]+/g, (label) => domainToUnicode(label) || label));
}

/** Most encodings within each other that are undone: some servers decode once more than their framework did. */
const MOST_DECODINGS = 3;

function percentDecoded(text: string): string {
  let decoded = text;
  for (let turn = 0; turn < MOST_DECODINGS && decoded.includes('%'); turn++) {
    decoded = decoded.replace(/(?:%[0-9a-f]{2})+/gi, (run) =>
      Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'),
    );
  }
  return decoded;
}

/** Scheme and authority, path, and what is behind the path. */
const PARTS = /^((?:[^:/?#]*:)?(?:\/\/[^/?#]*)?)([^?#]*)(.*)$/s;

/** RFC 3986 §5.2.4. Empty segments are dropped, too, as file systems read them. */
function withoutDots(uri: string): string {
  const [, origin = '', path = uri, behind = ''] = PARTS.exec(uri) ?? [];
  const segments: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  const isOpen = segments.length > 0 && /\/\.{0,2}$/.test(path);
  return `${origin}${path.startsWith('/') ? '/' : ''}${segments.join('/')}${isOpen ? '/' : ''}${behind}`;
}
