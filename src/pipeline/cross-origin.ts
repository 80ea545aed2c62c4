import type { Answer } from '../domain/answer.ts';
import type { RequestHead } from '../domain/request-head.ts';
import type { PaymentFields } from '../proxy/headers/payment-fields.ts';
import type { Runtime } from './runtime.ts';

/** An origin in its serialised form (RFC 6454 §6.2). `null` can be any page, and is not admitted with credentials. */
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[A-Za-z0-9._~:[\]-]+$/;
/** A token list, the only valid form of `Access-Control-Request-Headers`; anything else is not echoed. */
const HEADER_LIST = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+(?:\s*,\s*[A-Za-z0-9!#$%&'*+.^_`|~-]+)*$/;

const USUAL_METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];
/** A method that may be echoed, such as QUERY: the price table says which ones a route has. */
const METHOD = /^[A-Z]{1,20}$/;

/** Whether a request is a CORS preflight. Preflights never carry a payment and are never charged. */
export function isPreflight({ method, headers }: Pick<RequestHead, 'method' | 'headers'>): boolean {
  const { origin, 'access-control-request-method': asked } = headers;
  return method === 'OPTIONS' && origin !== undefined && asked !== undefined;
}

/** The answer to a preflight for a priced route, so that a browser may send a payment. */
export function preflightAnswer({ headers }: Pick<RequestHead, 'headers'>, { allowed }: PaymentFields): Answer {
  const asked = headers['access-control-request-headers'];
  const echoed = asked !== undefined && HEADER_LIST.test(asked) ? `, ${asked}` : '';
  const { 'access-control-request-method': method = '' } = headers;
  const methods = METHOD.test(method) && !USUAL_METHODS.includes(method) ? [...USUAL_METHODS, method] : USUAL_METHODS;
  const answered = [
    ...['Access-Control-Allow-Origin', '*'],
    ...['Access-Control-Allow-Methods', methods.join(', ')],
    ...['Access-Control-Allow-Headers', allowed + echoed],
    ...['Access-Control-Max-Age', '600', 'Cache-Control', 'no-store'],
  ];
  return { status: 204, reason: undefined, headers: answered, body: undefined, encoding: 'latin1', dated: true };
}

/**
 * Whether any site may read the API's answer: the gateway let it send the request, and pay. Who paid and cannot read has
 * paid for nothing.
 */
export function anyOriginReads({
  head,
  price,
  runtime,
}: {
  readonly head: Pick<RequestHead, 'headers'>;
  readonly price?: unknown;
  readonly runtime: Pick<Runtime, 'plan'>;
}): boolean {
  return price !== undefined && head.headers.origin !== undefined && runtime.plan.cors === 'gateway';
}

/**
 * CORS headers of the gateway's own answers. By default any site may read a price, and no site may use a visitor's
 * cookies. With `cors: api` the page may have sent its cookies, since the API allows that: browsers then show it only
 * an answer that names its origin.
 *
 * @returns flat list of names and values
 */
export function crossOriginHeaders(
  { headers }: Pick<RequestHead, 'headers'>,
  { plan: { cors }, fields }: Pick<Runtime, 'plan' | 'fields'>,
): readonly string[] {
  const { origin } = headers;
  if (origin === undefined) return [];
  const exposed = ['Access-Control-Expose-Headers', fields.exposed];
  if (cors === 'gateway' || !ORIGIN.test(origin)) return ['Access-Control-Allow-Origin', '*', ...exposed];
  const named = ['Access-Control-Allow-Origin', origin, 'Access-Control-Allow-Credentials', 'true'];
  return [...named, 'Vary', 'Origin', ...exposed];
}
