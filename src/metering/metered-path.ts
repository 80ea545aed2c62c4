/**
 * The path of a call as the laxest router reads it: decoded, in lower case, without path parameters, empty segments and a
 * slash at its end. Only its end is looked at, to know which call it is: one that an API serves must not pass for another.
 *
 * @param path canonical: its escapes are valid
 */
export function meteredPath(path: string): string {
  const read = decodeURIComponent(path)
    .replaceAll('\\', '/')
    .replaceAll(/;[^/]*/g, '')
    .replaceAll(/\/{2,}/g, '/');
  return (read.length > 1 && read.endsWith('/') ? read.slice(0, -1) : read).toLowerCase();
}
