import type { Parsed } from '../domain/price.ts';

/** Longest path of a socket that every system takes, in bytes. */
const MOST_PATH_BYTES = 100;
const SCHEME = 'unix:';

/** Pattern for editors; {@link parseUnixPath} decides. */
export const UNIX_PATTERN = 'unix:/[^\\s:]+';

/** Whether a text names a unix socket, well or badly. */
export function isUnixPath(given: string): boolean {
  return given.startsWith(SCHEME);
}

/**
 * Reads the place of a unix socket, `unix:/run/api.sock`, and returns its path. A path is absolute: what a relative one
 * means would hang on where the gateway was started.
 */
export function parseUnixPath(given: string, right: string): Parsed<string> {
  const path = given.slice(SCHEME.length);
  if (path.startsWith('//'))
    return { ok: false, wrong: `${given} is no URL`, right: `${SCHEME}${path.replace(/^\/+/, '/')}` };
  if (!path.startsWith('/') || path.endsWith('/') || /[\0\s:]/.test(path))
    return { ok: false, wrong: `${JSON.stringify(path)} is not the absolute path of a socket`, right };
  if (Buffer.byteLength(path) > MOST_PATH_BYTES)
    return { ok: false, wrong: `the path of the socket is over ${MOST_PATH_BYTES} bytes`, right: 'a shorter path' };
  return { ok: true, value: path };
}
