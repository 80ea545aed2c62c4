import type { Parsed } from '../domain/price.ts';

/** What a URL of the configuration may be. */
interface UrlRules {
  /** Whether it may have a path. */
  readonly path: boolean;
  readonly right: string;
}

/**
 * Reads an absolute `http` or `https` URL as an operator writes it. Refuses what would be dropped or misread on the
 * way: user and password, query, fragment, blanks, and spellings that the URL parser would silently repair.
 */
export function parseHttpUrl(given: string, rules: UrlRules): Parsed<URL> {
  const wrong = (why: string): Parsed<URL> => ({ ok: false, wrong: why, right: rules.right });
  if (!/^https?:\/\/[^/\\]/.test(given) || !/^[!-~]+$/.test(given) || !URL.canParse(given)) {
    return {
      ok: false,
      wrong: `${JSON.stringify(given)} is not an http or https URL`,
      right: completed(given) ?? asSent(given) ?? rules.right,
    };
  }
  if (given.includes('\\')) return wrong('the URL holds a backslash');
  const url = new URL(given);
  // Not shown: a password in it would end up in a log.
  if (url.username !== '' || url.password !== '')
    return wrong('the URL holds a user or a password; use headers for that');
  if (given.includes('?') || given.includes('#')) return wrong('the URL holds a query or a fragment');
  if (url.port === '0') return wrong('the URL has the port 0');
  if (url.pathname !== '/' && !rules.path) return wrong(`the URL has the path ${url.pathname}`);
  // The parser resolves .. and the like; what it would change is not what the operator sees in his file.
  const path = given.replace(/^https?:\/\/[^/]*/, '');
  if ((path === '' ? '/' : path) !== url.pathname) return wrong('the path of the URL is not in canonical form');
  return { ok: true, value: url };
}

/** `localhost:8080` or `api.example.com`, as people type it, with the scheme that was left away. */
function completed(given: string): string | undefined {
  const [, host] = /^([a-z0-9][a-z0-9.-]*(?::\d{1,5})?)\/?$/i.exec(given) ?? [];
  if (host === undefined || !/[.:]|^localhost$/.test(host)) return undefined;
  const url = `${/:|^localhost$/.test(host) ? 'http' : 'https'}://${host}`;
  return URL.canParse(url) ? url : undefined;
}

/** A URL whose host has other letters than ASCII, in those that it is asked by. */
function asSent(given: string): string | undefined {
  const [, scheme, host = '', rest = ''] = /^(https?:\/\/)([^/?#@\s]+)([!-~]*)$/.exec(given) ?? [];
  const url = URL.parse(given);
  return scheme === undefined || url === null || /^[!-~]+$/.test(host) ? undefined : scheme + url.host + rest;
}

/** Pattern for editors; {@link parseHttpUrl} decides. */
export const URL_PATTERN = 'https?://[^\\s@?#\\\\]+';
