/*
 * How an access token travels: in `X402-Access-Token`, in `Authorization: Bearer tpk_…`, or in our cookie; and the
 * cookie of a payment whose answer a browser opens. `headers/` removes what must not reach the upstream.
 */

/** The prefix of access tokens; an `Authorization` with any other credential belongs to the API. */
const OWN_BEARER = /^bearer +(?=tpk_)/i;

/**
 * Cookie names of a token: the first where the client speaks TLS, which browsers require for it; the second elsewhere.
 */
const TOKEN_COOKIES: readonly string[] = ['__Secure-turnpike_access', 'turnpike_access'];
/** Cookie of a payment that was settled and whose answer is still to be opened; the names as above. */
const PAYMENT_COOKIES: readonly string[] = ['__Secure-turnpike_payment', 'turnpike_payment'];
const OWN_COOKIES: readonly string[] = [...TOKEN_COOKIES, ...PAYMENT_COOKIES];

/** Whether a value of `Authorization` is an access token. */
export function isOwnBearer(value: string): boolean {
  return OWN_BEARER.test(value);
}

/** A `Cookie` header without our cookie: the API's own ones, byte for byte. */
export function foreignCookies(value: string): string {
  if (!mayHoldOwnCookie(value)) return value;
  const foreign = value.split(';').filter((pair) => !isOwnCookie(pair));
  return foreign.join(';').replace(/^ +/, '');
}

function mayHoldOwnCookie(value: string): boolean {
  return OWN_COOKIES.some((own) => value.includes(own));
}

/** Whether a `name=value` is our cookie's; blanks around a name do not make it another one. */
export function isOwnCookie(pair: string): boolean {
  return OWN_COOKIES.includes(nameOf(pair));
}

/** Prefix of a token among the subprotocols of a WebSocket, for browsers, which cannot set headers on one. */
const OWN_PROTOCOL = 'x402-access-token.';

/** The subprotocols of a `Sec-WebSocket-Protocol` without those that carry our tokens. */
export function foreignProtocols(value: string): string {
  if (!value.includes(OWN_PROTOCOL)) return value;
  return protocolsOf(value)
    .filter((protocol) => !protocol.startsWith(OWN_PROTOCOL))
    .join(', ');
}

function ownProtocols(value: string): string[] {
  return protocolsOf(value)
    .filter((protocol) => protocol.startsWith(OWN_PROTOCOL))
    .map((protocol) => protocol.slice(OWN_PROTOCOL.length));
}

function protocolsOf(value: string): string[] {
  return value.split(',').map((protocol) => protocol.trim());
}

/** The tokens that a request carries, as text, unchecked. */
export interface CarriedTokens {
  /** From headers that clients set on purpose, in their order. */
  readonly explicit: readonly string[];
  /** From cookies, which a browser adds; the one with the longest path first, as browsers order them. */
  readonly cookies: readonly string[];
}

/**
 * Finds the access tokens of a request: `X402-Access-Token`, `Authorization: Bearer tpk_…`, a WebSocket's subprotocol
 * `x402-access-token.tpk_…` and our cookie. Tokens in a query are not read: queries appear in logs, histories and
 * `Referer`.
 *
 * @param raw flat list as in `IncomingMessage.rawHeaders`
 */
export function carriedTokens(raw: readonly string[]): CarriedTokens {
  const explicit: string[] = [];
  const cookies: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? '';
    // The length excludes most other headers.
    if (name.length !== 17 && name.length !== 13 && name.length !== 6 && name.length !== 22) continue;
    const value = raw[i + 1] ?? '';
    switch (name.toLowerCase()) {
      case 'x402-access-token':
        explicit.push(value);
        break;
      case 'authorization':
        if (isOwnBearer(value)) explicit.push(value.replace(OWN_BEARER, '').trimEnd());
        break;
      case 'sec-websocket-protocol':
        explicit.push(...ownProtocols(value));
        break;
      case 'cookie':
        if (mayHoldOwnCookie(value)) cookies.push(...cookiesNamed(TOKEN_COOKIES, value));
        break;
    }
  }
  return { explicit, cookies };
}

function cookiesNamed(names: readonly string[], value: string): string[] {
  const own = value.split(';').filter((pair) => names.includes(nameOf(pair)));
  return own.map((pair) => pair.slice(pair.indexOf('=') + 1).trim());
}

function nameOf(pair: string): string {
  return pair.split('=', 1)[0]?.trim() ?? '';
}

/**
 * The payments in our cookie, as text, unchecked; the one with the longest path first, as browsers order them.
 *
 * @param cookie the value of `Cookie`
 */
export function carriedPayments(cookie: string | undefined): readonly string[] {
  return cookie?.includes('turnpike_payment=') === true ? cookiesNamed(PAYMENT_COOKIES, cookie) : [];
}

/** A token on its way into a browser. */
export interface TokenCookie {
  readonly token: string;
  /** Path prefix that the browser sends it to. */
  readonly path: string;
  /** Whether the client reached us over TLS. */
  readonly tls: boolean;
  /** Seconds until it ends; `undefined` for as long as the browser runs. */
  readonly maxAgeSeconds: number | undefined;
}

/**
 * The value of `Set-Cookie` for a token: out of scripts' reach, over TLS only, not sent along by other sites' forms and
 * frames, and only to the paths that it opens.
 */
export function tokenCookie({ token, path, tls, maxAgeSeconds }: TokenCookie): string {
  const age = maxAgeSeconds === undefined ? '' : `; Max-Age=${maxAgeSeconds}`;
  return `${TOKEN_COOKIES[tls ? 0 : 1]}=${token}; Path=${path}${age}; HttpOnly; Secure; SameSite=Lax`;
}

/** Longest payment that fits a cookie: browsers drop those over 4096 bytes, with name and attributes. */
export const MOST_PAYMENT_COOKIE = 3072;

/** A settled payment on its way into a browser, which opens the answer with it. */
export interface PaymentCookie {
  /** The payment as its header carried it: of the characters that a cookie may hold. */
  readonly payment: string;
  /** The paid path. A cookie also covers the paths below it; the ledger binds the payment to its request. */
  readonly path: string;
  /** Whether the client reached us over TLS. */
  readonly tls: boolean;
  readonly maxAgeSeconds: number;
}

/**
 * The value of `Set-Cookie` for a settled payment. `Strict`: no other site can make the browser use up what was bought by
 * leading it there.
 */
export function paymentCookie({ payment, path, tls, maxAgeSeconds }: PaymentCookie): string {
  return `${PAYMENT_COOKIES[tls ? 0 : 1]}=${payment}; Path=${path}; Max-Age=${maxAgeSeconds}; HttpOnly; Secure; SameSite=Strict`;
}
