import { nominatedBy } from '../../domain/connection-options.ts';
import { foreignCookies, foreignProtocols, isOwnBearer } from '../carried-token.ts';
import { parseFieldList } from '../field-list.ts';
import { foreignOf, type HeaderName } from './header-name.ts';
import { canonical, TRACE } from './names.ts';
import type { PaymentFields } from './payment-fields.ts';

/** Facts for the upstream about a request for a priced resource. */
export interface PaidFacts {
  /** Absent where nobody paid: with a customer's key or a free use. */
  readonly payer?: string;
  /** The route's name. */
  readonly route: string;
  /** The money that this request moved; absent where a pass, a key or a free use opened the route. */
  readonly money?: {
    /** CAIP-2. */
    readonly network: string;
    readonly asset: string;
    /** Atomic units, decimal. */
    readonly amount: string;
  };
  /** Label of the customer's key that opened the route. */
  readonly customer?: string;
  /** Id of the pass that opened the route. */
  readonly pass?: string;
}

/** What the gateway knows about a request that it forwards. */
export interface ForwardContext {
  /** The fields of the payment protocols. */
  readonly fields: PaymentFields;
  /** Address of the peer on the connection. */
  readonly peer: string;
  /** Whether the peer's own forwarding headers are believed. */
  readonly peerTrusted: boolean;
  /** The scheme and the host that the client used, by a trusted peer's word or as the gateway sees them. */
  readonly proto: 'http' | 'https';
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
  let statesPort = false;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? '';
    const header = context.fields.read(name);
    const { lower } = header;
    const value = foreignOf(header, raw[i + 1] ?? '');
    if (value === undefined || isNominated(lower, nominated)) continue;
    if (lower === 'x-forwarded-for' && context.peerTrusted) forwardedFor += `${value}, `;
    // The API must not take another one of several values, or forms, for the client's than the gateway does.
    else if (lower === 'x-forwarded-proto' || lower === 'x-forwarded-host') continue;
    else if (lower === 'x-forwarded-port') statesPort ||= context.peerTrusted;
    else if (lower === 'te') out.push(...trailersOnly(name, value));
    else if (lower === 'cookie' || lower === 'sec-websocket-protocol') pushForeign(out, name, value, lower);
    else if (isForwarded(header, value, context)) out.push(name, value);
  }
  const { peer, proto, host } = context;
  out.push('X-Forwarded-For', forwardedFor + peer, 'X-Forwarded-Proto', proto, 'X-Forwarded-Host', host);
  if (statesPort) out.push('X-Forwarded-Port', portOf(host, proto));
  out.push('X-Request-Id', context.requestId);
  if (context.trace !== undefined) pushTrace(out, context.trace);
  for (const [name, value] of context.upstreamHeaders) out.push(name, value);
  if (context.paid !== undefined) pushPaidFacts(out, context.paid);
  return out;
}

function portOf(host: string, proto: ForwardContext['proto']): string {
  const [, port] = /:(\d+)$/.exec(host) ?? [];
  return port ?? (proto === 'https' ? '443' : '80');
}

/** Corrects the length for a body that replaces the client's. A chunked body has none. */
export function withLengthOf(replacement: Buffer | undefined, headers: string[]): string[] {
  if (replacement === undefined) return headers;
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index]?.toLowerCase() === 'content-length') headers[index + 1] = String(replacement.length);
  }
  return headers;
}

/** Statuses of parts of an answer: a range, or what is new in a feed (RFC 3229). */
export type PartStatus = 206 | 226;

/** All of them. */
export const PART_STATUSES: readonly PartStatus[] = [206, 226];

/** Headers that ask for a part. */
const OF_PARTS: Readonly<Record<PartStatus, readonly string[]>> = { 206: ['range', 'if-range'], 226: ['a-im'] };

/** Asks for a whole answer, not for parts of these statuses. A server may ignore `Range` as well (RFC 9110 §14.2). */
export function forWholeAnswer(headers: readonly string[], parts = PART_STATUSES): string[] {
  return without(headers, ...parts.flatMap((status) => OF_PARTS[status]));
}

/** Headers that ask for the same text in other bytes. */
const OF_ENCODINGS = ['accept-encoding', 'accept-charset'];

/** Asks for an answer that can be read, whatever the client would take: whole, not compressed, and in UTF-8. */
export function forReadableAnswer(headers: readonly string[]): string[] {
  // UTF-8 is what an API writes unasked, and the only encoding of JSON (RFC 8259 §8.1).
  return [...without(forWholeAnswer(headers), ...OF_ENCODINGS), 'Accept-Encoding', 'identity'];
}

/** The headers without those of these names, in any spelling that an API would take for them. */
export function without(headers: readonly string[], ...names: readonly string[]): string[] {
  const left = new Set(names.map(canonical));
  const out: string[] = [];
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] ?? '';
    if (!left.has(canonical(name.toLowerCase()))) out.push(name, headers[index + 1] ?? '');
  }
  return out;
}

/** Whether the client's `Connection` header keeps a header to this connection; `te` is handled separately. */
function isNominated(lower: string, nominated: ReadonlySet<string> | undefined): boolean {
  return nominated?.has(lower) === true && lower !== 'te';
}

function isForwarded({ lower, key, forwarded }: HeaderName, value: string, context: ForwardContext): boolean {
  if (forwarded !== 'always') return forwarded === 'from trusted peers' && context.peerTrusted;
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

/** Adds what an API is told of a request for a priced resource. */
export function pushPaidFacts(out: string[], { payer, money, pass, customer, ...paid }: PaidFacts): void {
  if (payer !== undefined) out.push('X402-Payer', payer);
  if (money !== undefined) out.push('X402-Network', money.network, 'X402-Asset', money.asset);
  if (pass !== undefined) out.push('X402-Pass', pass);
  if (customer !== undefined) out.push('X402-Customer', customer);
  // A route's name is free text in the configuration; on the wire it must be a header value.
  const route = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(paid.route)
    ? paid.route
    : encodeURIComponent(paid.route);
  if (money !== undefined) out.push('X402-Amount', money.amount);
  out.push('X402-Route', route);
}

/** Adds the API's own part of a header that may carry our tokens; a header with nothing else is left out. */
function pushForeign(out: string[], name: string, value: string, lower: 'cookie' | 'sec-websocket-protocol'): void {
  const foreign = lower === 'cookie' ? foreignCookies(value) : foreignProtocols(value);
  if (foreign !== '' || value === '') out.push(name, foreign);
}

/** `TE` is about one connection, except that `trailers` asks for something the gateway passes on. */
function trailersOnly(name: string, value: string): readonly string[] {
  const asked = parseFieldList(value).some((member) => member.toLowerCase() === 'trailers');
  return asked ? [name, 'trailers'] : [];
}
