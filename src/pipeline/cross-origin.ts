import type { ServerResponse } from 'node:http';
import type { CorsMode } from '../domain/plan.ts';
import type { RequestHead } from '../domain/request-head.ts';
import { PAYMENT_REQUEST_HEADERS } from '../proxy/headers/names.ts';

/** What browsers must be told they may send: the payment headers, and those that payment clients add. */
const ALLOWED_HEADERS = ['Content-Type', 'Authorization', ...PAYMENT_REQUEST_HEADERS].join(', ');
/** What scripts must be told they may read, also on the 402. */
const EXPOSED_HEADERS =
  'PAYMENT-REQUIRED, PAYMENT-RESPONSE, X-PAYMENT-RESPONSE, X402-Access-Token, X402-Access-Expires, X402-Access-Remaining, Retry-After, X-Request-Id';
/** An origin in its serialised form (RFC 6454 §6.2); `null` is everybody's and is not let in with credentials. */
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[A-Za-z0-9._~:[\]-]+$/;
/** A token list, as `Access-Control-Request-Headers` has to be; anything else is not echoed. */
const HEADER_LIST = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+(?:\s*,\s*[A-Za-z0-9!#$%&'*+.^_`|~-]+)*$/;

/** Whether a request is a CORS preflight. It carries no payment by nature, so that it is never charged. */
export function isPreflight({ method, headers }: Pick<RequestHead, 'method' | 'headers'>): boolean {
  const { origin, 'access-control-request-method': asked } = headers;
  return method === 'OPTIONS' && origin !== undefined && asked !== undefined;
}

/** Answers a preflight for a priced route, so that a browser may send a payment. */
export function answerPreflight({ headers }: Pick<RequestHead, 'headers'>, res: ServerResponse): void {
  const asked = headers['access-control-request-headers'];
  const echoed = asked !== undefined && HEADER_LIST.test(asked) ? `, ${asked}` : '';
  res.writeHead(204, {
    'Access-Control-Allow-Origin': '*',
    'Access-Control-Allow-Methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
    'Access-Control-Allow-Headers': ALLOWED_HEADERS + echoed,
    'Access-Control-Max-Age': '600',
    'Cache-Control': 'no-store',
  });
  res.end();
}

/**
 * CORS headers of the gateway's own answers. By default any site may read a price, and none gets to use somebody's
 * cookies. With `cors: api` the page may have sent its cookies along, since the API allows it: browsers then show it an
 * answer only that names its origin.
 *
 * @returns flat list of names and values
 */
export function crossOriginHeaders({ headers }: Pick<RequestHead, 'headers'>, cors: CorsMode): readonly string[] {
  const { origin } = headers;
  if (origin === undefined) return [];
  const exposed = ['Access-Control-Expose-Headers', EXPOSED_HEADERS];
  if (cors === 'gateway' || !ORIGIN.test(origin)) return ['Access-Control-Allow-Origin', '*', ...exposed];
  const named = ['Access-Control-Allow-Origin', origin, 'Access-Control-Allow-Credentials', 'true'];
  return [...named, 'Vary', 'Origin', ...exposed];
}
