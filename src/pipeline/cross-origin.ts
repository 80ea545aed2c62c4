import type { IncomingMessage, ServerResponse } from 'node:http';

/** What browsers must be told they may send: the payment headers, and those that payment clients add. */
const ALLOWED_HEADERS =
  'Content-Type, Authorization, PAYMENT-SIGNATURE, X-PAYMENT, SIGN-IN-WITH-X, X402-Access-Token, Access-Control-Expose-Headers';
/** What scripts must be told they may read, also on the 402. */
export const EXPOSED_HEADERS = 'PAYMENT-REQUIRED, PAYMENT-RESPONSE, X-PAYMENT-RESPONSE, Retry-After, X-Request-Id';
/** A token list, as `Access-Control-Request-Headers` has to be; anything else is not echoed. */
const HEADER_LIST = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+(?:\s*,\s*[A-Za-z0-9!#$%&'*+.^_`|~-]+)*$/;

/** Whether a request is a CORS preflight. It carries no payment by nature, so that it is never charged. */
export function isPreflight(req: IncomingMessage): boolean {
  const { origin, 'access-control-request-method': method } = req.headers;
  return req.method === 'OPTIONS' && origin !== undefined && method !== undefined;
}

/** Answers a preflight for a priced route, so that a browser may send a payment. */
export function answerPreflight(req: IncomingMessage, res: ServerResponse): void {
  const asked = req.headers['access-control-request-headers'];
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

/** CORS headers of the gateway's own answers: any site may read a price, none gets to use somebody's cookies. */
export function crossOriginHeaders(req: IncomingMessage): Readonly<Record<string, string>> {
  if (req.headers.origin === undefined) return {};
  return { 'Access-Control-Allow-Origin': '*', 'Access-Control-Expose-Headers': EXPOSED_HEADERS };
}
