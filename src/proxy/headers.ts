import { GatewayError } from '../domain/gateway-error.ts';
import { foreignCookies, isOwnBearer, isOwnCookie } from './carried-token.ts';
import { mergeFieldList, parseFieldList } from './field-list.ts';
import { UpstreamFault } from './upstream-fault.ts';

/*
 * Every header that the gateway removes, changes or adds, in both directions, with the reason. Nothing else touches
 * headers of forwarded traffic. Lists are flat, as Node and undici use them: name, value, name, value.
 *
 * Names are compared in lower case and with whatever is no letter or digit read as `-`: CGI, WSGI and Rack show
 * `x402_payer` and `x402-payer` to the API as one variable, some servers `x402.payer` too, so a twin of a header that
 * means something here is removed with it.
 */

/** About one connection only (RFC 9110 §7.6.1, RFC 9112 §9), or a credential for a proxy on the way (RFC 9110 §11.7). */
const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
];

/** x402's own headers: signed payments and receipts are between the buyer and the gateway, whoever sends them. */
const PAYMENT = [
  'payment-required',
  'payment-response',
  'payment-signature',
  'x-payment',
  'x-payment-response',
  'sign-in-with-x',
  // From a resource server to its own x402 library: an upstream could change what the buyer is told or charged.
  'settlement-overrides',
  'extension-responses',
];

/** Ask the API to treat the request as another one than was matched and priced. */
const OVERRIDES = [
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-original-url',
  'x-original-uri',
  'x-rewrite-url',
];

const NEVER_FORWARDED: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  ...PAYMENT,
  ...OVERRIDES,
  // The upstream's own authority is sent; the client's goes into X-Forwarded-Host. A virtual-hosted upstream would not
  // answer to the client's, and routing must not depend on what a client claims.
  'host',
  // The server in front has answered it; undici cannot wait for a 100.
  'expect',
  // Announces trailers of the upload, which are not forwarded (RFC 9110 §6.5.1 lets an intermediary discard them).
  'trailer',
  // Becomes HTTP_PROXY in CGI ("httpoxy").
  'proxy',
  // Set by the gateway on every request.
  'x-request-id',
]);

/** W3C Trace Context: where the gateway traces, the upstream finds the gateway's span in them, not the client's. */
const TRACE: ReadonlySet<string> = new Set(['traceparent', 'tracestate']);

/** Tell where a request came from: believed from trusted peers only. `x-forwarded-*` is covered by its prefix. */
const FORWARDING: ReadonlySet<string> = new Set([
  'forwarded',
  'x-real-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'true-client-ip',
  'cf-connecting-ip',
  'fastly-client-ip',
]);

/** The gateway's own names; a client's or an upstream's copy is a forgery, of any name still to come too. */
const OWN_PREFIX = 'x402-';
const FORWARDING_PREFIX = 'x-forwarded-';

const NEVER_RELAYED: ReadonlySet<string> = new Set([...HOP_BY_HOP, ...PAYMENT]);

/** Would let a shared cache keep a paid answer in spite of `Cache-Control: private`. */
const SHARED_CACHE: ReadonlySet<string> = new Set(['surrogate-control', 'edge-control', 'x-accel-expires']);
/** RFC 9213 targeted fields, of any vendor. */
const SHARED_CACHE_SUFFIX = 'cdn-cache-control';

/** What a paid answer depends on besides its URL. */
const PAID_VARY = ['PAYMENT-SIGNATURE', 'X-PAYMENT', 'Authorization'];
/** The same, where passes open the route too. */
const PASS_VARY = [...PAID_VARY, 'X402-Access-Token', 'Cookie', 'SIGN-IN-WITH-X'];

/** Frames the message: a `Connection` header that names it must not take it away. */
const FRAMING = 'content-length';

const PLAIN_NAME = /^[a-z0-9-]*$/;
const NOT_ALPHANUMERIC = /[^a-z0-9]/g;

const FORBIDDEN_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

/** What the upstream is told of a request that is not free. */
export interface PaidFacts {
  readonly payer: string;
  /** The route's name. */
  readonly route: string;
  /** The money that this request moved; not there where a pass opened the route. */
  readonly money?: {
    /** CAIP-2. */
    readonly network: string;
    readonly asset: string;
    /** Atomic units, decimal. */
    readonly amount: string;
  };
  /** Id of the pass that opened the route. */
  readonly pass?: string;
}

/** What the gateway knows about a request that it forwards. */
export interface ForwardContext {
  /** Address of the peer on the connection. */
  readonly peer: string;
  /** Whether the peer's own forwarding headers are believed. */
  readonly peerTrusted: boolean;
  /** How the client reached the gateway, where no trusted peer says otherwise. */
  readonly proto: 'http' | 'https';
  /** The client's `Host`, validated. */
  readonly host: string;
  readonly requestId: string;
  /** From the configuration; replaces the client's headers of these lower-case names. */
  readonly upstreamHeaders: readonly (readonly [name: string, value: string])[];
  readonly paid: PaidFacts | undefined;
  /** The gateway's own place in the trace; `undefined` leaves the client's headers as they are. */
  readonly trace: { readonly traceparent: string; readonly tracestate: string | undefined } | undefined;
}

/**
 * The headers that go to the upstream: the client's, scrubbed, in their order and case, then those the gateway adds.
 * The client's `Connection` header is obeyed first, so it can never remove what is added.
 *
 * @param raw flat list as in `IncomingMessage.rawHeaders`
 */
export function forwardRequestHeaders(raw: readonly string[], context: ForwardContext): string[] {
  const nominated = nominatedBy(raw);
  const out: string[] = [];
  let forwardedFor = '';
  let proto: string = context.proto;
  let host = context.host;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? '';
    const value = raw[i + 1] ?? '';
    const lower = name.toLowerCase();
    if (nominated?.has(lower) === true && lower !== 'te') continue;
    if (lower === 'x-forwarded-for' && context.peerTrusted) forwardedFor += `${value}, `;
    else if (lower === 'x-forwarded-proto' && context.peerTrusted) proto = value;
    else if (lower === 'x-forwarded-host' && context.peerTrusted) host = value;
    else if (lower === 'te') out.push(...trailersOnly(name, value));
    else if (lower === 'cookie') pushForeignCookies(out, name, value);
    else if (isForwarded(lower, value, context)) out.push(name, value);
  }
  out.push('X-Forwarded-For', forwardedFor + context.peer, 'X-Forwarded-Proto', proto, 'X-Forwarded-Host', host);
  out.push('X-Request-Id', context.requestId);
  if (context.trace !== undefined) pushTrace(out, context.trace);
  for (const [name, value] of context.upstreamHeaders) out.push(name, value);
  if (context.paid !== undefined) pushPaidFacts(out, context.paid);
  return out;
}

function isForwarded(lower: string, value: string, context: ForwardContext): boolean {
  const key = canonical(lower);
  if (NEVER_FORWARDED.has(key) || key.startsWith(OWN_PREFIX)) return false;
  const isTwin = key !== lower;
  if (key.startsWith(FORWARDING_PREFIX) || FORWARDING.has(key)) return context.peerTrusted && !isTwin;
  if (isTwin && key === FRAMING) return false;
  if (context.trace !== undefined && TRACE.has(key)) return false;
  // A token of ours is a credential for the gateway; any other one belongs to the API.
  if (lower === 'authorization' && isOwnBearer(value)) return false;
  for (const [name] of context.upstreamHeaders) if (canonical(name) === key) return false;
  return true;
}

function pushTrace(out: string[], { traceparent, tracestate }: NonNullable<ForwardContext['trace']>): void {
  out.push('traceparent', traceparent);
  if (tracestate !== undefined) out.push('tracestate', tracestate);
}

function pushPaidFacts(out: string[], { payer, money, pass, ...paid }: PaidFacts): void {
  out.push('X402-Payer', payer);
  if (money !== undefined) out.push('X402-Network', money.network, 'X402-Asset', money.asset);
  if (pass !== undefined) out.push('X402-Pass', pass);
  // A route's name is free text in the configuration; on the wire it must be a header value.
  const route = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(paid.route)
    ? paid.route
    : encodeURIComponent(paid.route);
  if (money !== undefined) out.push('X402-Amount', money.amount);
  out.push('X402-Route', route);
}

function pushForeignCookies(out: string[], name: string, value: string): void {
  const foreign = foreignCookies(value);
  if (foreign !== '' || value === '') out.push(name, foreign);
}

/** `TE` is about one connection, except that `trailers` asks for something the gateway passes on. */
function trailersOnly(name: string, value: string): readonly string[] {
  const asked = parseFieldList(value).some((member) => member.toLowerCase() === 'trailers');
  return asked ? [name, 'trailers'] : [];
}

/** What the gateway knows about a response that it relays. */
export interface RelayContext {
  /** The client's method. */
  readonly method: string;
  readonly status: number;
  /** Minor HTTP version of the client's request. */
  readonly httpVersionMinor: number;
  /** Whether the answer was paid for, now or by a pass: then it is the payer's alone. */
  readonly paid: boolean;
  /** Whether passes open the route, so that a paid answer depends on what carries one. */
  readonly passes?: boolean;
  /** Headers of the gateway, such as `PAYMENT-RESPONSE`; readable for browsers where the answer is a CORS one. */
  readonly add: readonly (readonly [name: string, value: string])[];
}

/** What payment clients send with a request, as a preflight has to allow it. */
const PAYMENT_REQUEST_HEADERS = [
  'PAYMENT-SIGNATURE',
  'X-PAYMENT',
  'SIGN-IN-WITH-X',
  'X402-Access-Token',
  // The official client sends it, although it means nothing in a request.
  'Access-Control-Expose-Headers',
];

/** Takes payment headers out of what a preflight asks leave for, in the raw headers of its request. */
export function hidePaymentHeaders(raw: string[]): void {
  const ours = new Set(PAYMENT_REQUEST_HEADERS.map((name) => name.toLowerCase()));
  for (let at = find(raw, ASKED); at !== -1; at = find(raw, ASKED, at + 2)) {
    const asked = parseFieldList(raw[at + 1] ?? '').filter((name) => !ours.has(name.toLowerCase()));
    raw[at + 1] = asked.join(', ');
  }
}

const ASKED = 'access-control-request-headers';

/** Allows payment headers in the raw headers of an API's answer to a preflight, if it allows the origin at all. */
export function allowPaymentHeaders(raw: string[]): void {
  if (find(raw, 'access-control-allow-origin') === -1) return;
  mergeInto(raw, 'Access-Control-Allow-Headers', PAYMENT_REQUEST_HEADERS);
}

/**
 * The headers of the client's response: the upstream's in their order, case and number, without those of its connection
 * and without forged payment headers; for paid answers also kept out of shared caches.
 *
 * @param raw flat list, `UpstreamResponse.rawHeaders`
 * @returns flat list for `writeHead`
 * @throws GatewayError `upstream_invalid_answer` for a value that may not stand in a header
 */
export function relayResponseHeaders(raw: readonly string[], context: RelayContext): string[] {
  const nominated = nominatedBy(raw);
  const framing = framingOf(raw, context);
  const out: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? '';
    const lower = name.toLowerCase();
    const key = canonical(lower);
    if (NEVER_RELAYED.has(key) || key.startsWith(OWN_PREFIX) || nominated?.has(lower) === true) continue;
    if (lower === FRAMING && !framing.length) continue;
    // An API that sets our cookie could put its buyers on another one's pass.
    if (key === 'set-cookie' && isOwnCookie(raw[i + 1] ?? '')) continue;
    if (lower === 'trailer' && !framing.trailers) continue;
    out.push(name, checked(raw[i + 1] ?? ''));
  }
  if (context.paid) keepPrivate(out, context.passes === true ? PASS_VARY : PAID_VARY);
  for (const [name, value] of context.add) out.push(name, checked(value));
  if (context.add.length > 0) expose(out, context.add);
  return out;
}

/**
 * The headers of an informational response: the same, but for those that frame a message, and without what may not
 * stand in a header. They are hints, so that nothing fails for the want of one.
 *
 * @returns flat list for `writeInformation`
 */
export function relayHints(raw: readonly string[]): string[] {
  const nominated = nominatedBy(raw);
  const out: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? '';
    const value = raw[i + 1] ?? '';
    const lower = name.toLowerCase();
    const key = canonical(lower);
    if (NEVER_RELAYED.has(key) || key.startsWith(OWN_PREFIX) || nominated?.has(lower) === true) continue;
    if (key !== FRAMING && key !== 'trailer' && !FORBIDDEN_IN_VALUE.test(value)) out.push(name, value);
  }
  return out;
}

/**
 * Trailers for the client: without those that only a head may carry (RFC 9110 §6.5.1) and forged payment headers.
 *
 * @returns pairs for `addTrailers`
 */
export function relayTrailers(raw: readonly string[]): [string, string][] {
  const out: [string, string][] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? '';
    const value = raw[i + 1] ?? '';
    const key = canonical(name.toLowerCase());
    const mayTrail = !NEVER_RELAYED.has(key) && !key.startsWith(OWN_PREFIX) && !NEVER_A_TRAILER.has(key);
    if (mayTrail && !FORBIDDEN_IN_VALUE.test(value)) out.push([name, value]);
  }
  return out;
}

const NEVER_A_TRAILER: ReadonlySet<string> = new Set([
  FRAMING,
  'host',
  'trailer',
  'content-encoding',
  'content-type',
  'content-range',
  'cache-control',
  'set-cookie',
  'vary',
]);

/** Which of the upstream's framing headers hold for the client's response too. */
function framingOf(raw: readonly string[], context: RelayContext): { length: boolean; trailers: boolean } {
  const chunked = find(raw, 'transfer-encoding') !== -1;
  const bodiless = context.method === 'HEAD' || context.status === 204 || context.status === 304;
  return {
    // A length next to chunks is a smuggling attempt or a mistake; a 204 has none (RFC 9110 §8.6).
    length: !chunked && context.status !== 204,
    // Only a chunked response can have trailers; Node refuses to announce them on any other.
    trailers: chunked && !bodiless && context.httpVersionMinor > 0,
  };
}

function keepPrivate(out: string[], vary: readonly string[]): void {
  const directives = ['private'];
  let at = -1;
  for (let i = out.length - 2; i >= 0; i -= 2) {
    const key = canonical(out[i]?.toLowerCase() ?? '');
    if (SHARED_CACHE.has(key) || key.endsWith(SHARED_CACHE_SUFFIX)) {
      out.splice(i, 2);
      if (at !== -1) at -= 2;
    } else if (key === 'cache-control') {
      directives.splice(1, 0, ...parseFieldList(out[i + 1] ?? '').filter(isPrivateDirective));
      if (at !== -1) out.splice(at, 2);
      at = i;
    }
  }
  if (at === -1) out.push('Cache-Control', 'private');
  // By its own name: a twin such as `cache_control` would not be read by any cache.
  else out.splice(at, 2, 'Cache-Control', directives.join(', '));
  mergeInto(out, 'Vary', vary);
}

function isPrivateDirective(directive: string): boolean {
  const name = directive.split('=', 1)[0]?.trim().toLowerCase();
  return name !== 'public' && name !== 's-maxage' && name !== 'private';
}

/** Lets scripts of other origins read what was added, where the API lets them read the answer at all. */
function expose(out: string[], added: RelayContext['add']): void {
  if (find(out, 'access-control-allow-origin') === -1) return;
  const names = added.map(([name]) => name).filter((name) => name.toLowerCase() !== 'set-cookie');
  mergeInto(out, 'Access-Control-Expose-Headers', names);
}

function mergeInto(out: string[], name: string, additions: readonly string[]): void {
  const lower = name.toLowerCase();
  const at = find(out, lower);
  if (at === -1) out.push(name, additions.join(', '));
  else if (lower !== 'vary' || out[at + 1]?.trim() !== '*') out[at + 1] = mergeFieldList(out[at + 1] ?? '', additions);
}

/** Lower-case names that the list's `Connection` headers nominate as hop-by-hop. */
function nominatedBy(raw: readonly string[]): ReadonlySet<string> | undefined {
  let nominated: Set<string> | undefined;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? '';
    if (name.length !== 10 || name.toLowerCase() !== 'connection') continue;
    for (const token of (raw[i + 1] ?? '').toLowerCase().split(',')) {
      const option = token.trim();
      if (option === '' || option === 'keep-alive' || option === 'close' || option === FRAMING) continue;
      nominated ??= new Set();
      nominated.add(option);
    }
  }
  return nominated;
}

function find(list: readonly string[], lower: string, from = 0): number {
  for (let i = from; i + 1 < list.length; i += 2) {
    if (list[i]?.length === lower.length && list[i]?.toLowerCase() === lower) return i;
  }
  return -1;
}

function canonical(lower: string): string {
  return PLAIN_NAME.test(lower) ? lower : lower.replaceAll(NOT_ALPHANUMERIC, '-');
}

/** A value with a line break would be read as a header of its own. */
function checked(value: string): string {
  if (!FORBIDDEN_IN_VALUE.test(value)) return value;
  throw new GatewayError('upstream_invalid_answer', {
    cause: new UpstreamFault('A response header holds a character that may not stand in one.', 'possibly'),
  });
}
