/** Longest text of another service that is logged, in characters. */
const MAX_LOGGED = 300;

/** How much of a text is read, in characters: its sender decides its length, and some cuts take time by its square. */
const MAX_READ = 2_000;

/** What follows a name with `=` or `:`; a quote may stand between them. */
const ASSIGNED = `(["']?\\s*[=:]\\s*["']?)`;
/** What a path, a query or a value may hold. */
const REST = `[^\\s"'<>)]*`;

/**
 * What follows the scheme of a URL. Only the host, a group, may be logged: credentials stand before it, and keys in path
 * and query.
 */
export const AFTER_SCHEME = `(?:[^\\s/@"'<>]*@)?([^\\s/?#"'<>]+)[^\\s"'<>]*`;

/**
 * What may hold a key, and what is left of it. Services write the address of their own node into their errors, in the
 * form of their language: a URL, a host with a path, a path alone, a header.
 */
const CUTS: readonly (readonly [RegExp, string])[] = [
  [/[^\x20-\x7e]+/g, ' '],
  // Paths and queries of URLs, with a scheme, with `//` alone, or with no more than a host's name.
  [new RegExp(`(\\b[a-z][a-z0-9+.-]*://|(?<!:)//)${AFTER_SCHEME}`, 'gi'), '$1$2'],
  [new RegExp(`\\b((?:[a-z0-9-]+\\.)+[a-z]{2,}(?::[0-9]+)?)[/?#]${REST}`, 'gi'), '$1'],
  [new RegExp(`\\b(ur[il]|path|endpoint)${ASSIGNED}/${REST}`, 'gi'), '$1$2/…'],
  [/\b(bearer|basic)\s+[a-z0-9._~+/=-]{8,}/gi, '$1 …'],
  [new RegExp(`(key|secret|password|passwd|pwd|authorization)${ASSIGNED}[^\\s"'<>&,;)]{6,}`, 'gi'), '$1$2…'],
  // An error may name the token that is paid with.
  [new RegExp(`(token)${ASSIGNED}(?!0x[0-9a-f]{40}\\b)[^\\s"'<>&,;)]{12,}`, 'gi'), '$1$2…'],
  // Long mixtures of letters and digits in a path, and long bytes that are no hash or address.
  [/\/(?=[\w-]*[0-9])(?=[\w-]*[a-z])[\w-]{20,}/gi, '/…'],
  [/\b[0-9a-f]{32,}\b/gi, '…'],
];

/** Another service's text as it may be logged: one bounded line, without what may be a key. */
export function textForLog(text: string): string {
  return CUTS.reduce((left, [pattern, rest]) => left.replace(pattern, rest), text.slice(0, MAX_READ)).slice(
    0,
    MAX_LOGGED,
  );
}
