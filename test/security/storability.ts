import type { RawResponse } from '../support/raw-http.ts';
import { statusOf } from './siege.ts';

/** Statuses that caches may keep without being told to (RFC 9110 §15.1). */
const HEURISTIC = new Set([200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501]);

/** Vendor fields that override `Cache-Control` in the vendor's own caches. */
const TARGETED = /^(?:.+-cache-control|surrogate-control|edge-control|x-accel-expires)$/;

/**
 * Whether a shared cache may keep an answer, by RFC 9111 §3 at its most permissive: in doubt it may.
 *
 * @param authorized whether the request carried `Authorization` (§3.5)
 */
export function isStorable(
  response: RawResponse,
  { authorized = false }: { readonly authorized?: boolean } = {},
): boolean {
  const targeted = response.headers.filter(([name]) => TARGETED.test(name.toLowerCase()));
  // A cache that such a field is meant for does not look at Cache-Control any more (RFC 9213 §2.2).
  if (targeted.some(([, value]) => !/no-store|private|^0$/i.test(value))) return true;
  const directives = directivesOf(response);
  if (directives.has('no-store') || directives.has('private')) return false;
  const isAllowed = ['public', 's-maxage', 'must-revalidate'].some((name) => directives.has(name));
  if (authorized && !isAllowed) return false;
  if (isAllowed || directives.has('max-age') || response.all('expires').length > 0) return true;
  return HEURISTIC.has(statusOf(response));
}

/** Whether a cache that kept an answer would give it to requests that do not pay in the same way. */
export function isKeptApart(response: RawResponse): boolean {
  const fields = response
    .all('vary')
    .join(',')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim());
  return (
    fields.includes('*') || ['payment-signature', 'x-payment', 'authorization'].every((name) => fields.includes(name))
  );
}

function directivesOf(response: RawResponse): Set<string> {
  const list = response.all('cache-control').join(',');
  // A quoted value may hold commas and names of other directives, which do not count.
  return new Set(
    list
      .replaceAll(/"(?:[^"\\]|\\.)*"/g, '')
      .split(',')
      .map((directive) => directive.split('=', 1)[0]?.trim().toLowerCase() ?? ''),
  );
}
