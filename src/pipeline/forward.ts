import { performance } from 'node:perf_hooks';
import { formatAmount } from '../domain/amount.ts';
import type { Answer } from '../domain/answer.ts';
import { isCharged } from '../domain/charge-rule.ts';
import type { PaymentRecord } from '../domain/payment-record.ts';
import { meaningOf } from '../domain/request-target.ts';
import type { PathRewrite } from '../domain/route.ts';
import type { Upstream } from '../domain/upstream.ts';
import type { RequestOutcome } from '../observe/observer.ts';
import type { TraceContext } from '../observe/tracer.ts';
import { askingForJson } from '../proxy/headers/accept-json.ts';
import { hasLocations, type PublicPlace, publishLocations } from '../proxy/headers/locations.ts';
import { headOfChanged, relayResponseHeaders } from '../proxy/headers/to-client.ts';
import {
  forReadableAnswer,
  forWholeAnswer,
  forwardRequestHeaders,
  PART_STATUSES,
  type PaidFacts,
  type PartStatus,
  withLengthOf,
  without,
} from '../proxy/headers/to-upstream.ts';
import type { Passage } from '../proxy/passage.ts';
import type { BodyWatch } from '../proxy/upload-body.ts';
import type { RelayOutcome, UpstreamResponse } from '../proxy/upstream-connection.ts';
import { anyOriginReads } from './cross-origin.ts';
import type { AcceptedHead, AcceptedRequest } from './exchange.ts';
import { takePlace } from './reserve.ts';
import { kindOf, traced } from './traced.ts';

/** Where a request goes. */
export interface Destination {
  readonly upstream: Upstream;
  readonly rewrite: PathRewrite | undefined;
  /** How long until response headers, in milliseconds. */
  readonly timeoutMs: number;
}

/** The facts of a payment that the upstream is told. */
export function paidFacts(record: PaymentRecord): PaidFacts {
  const { payer, network, asset, amount, route } = record;
  return { payer, route, money: { network, asset, amount: formatAmount(amount) } };
}

/** The terms of a forwarded request, beside its destination. */
export interface ForwardTerms {
  readonly paid?: PaidFacts;
  /** Sees the body on its way. */
  readonly watch?: BodyWatch;
  /** Whether the money for the answer has moved: then 1xx answers that announce it are passed on. */
  readonly settled?: boolean;
  /** Whether the call goes on after the client has left, because its answer is stored. */
  readonly lasting?: boolean;
  /** The connection that it goes on: a new one where it is paid and must not be sent twice. Default: a kept one. */
  readonly connection?: 'kept' | 'new';
  /** Which room at the upstream it takes. Default: that of paid calls. */
  readonly room?: 'free' | 'paid';
}

/**
 * Sends the request on and waits for the response's head; the body stays in the upstream's connection.
 *
 * @throws GatewayError `upstream_unreachable`, `upstream_timeout`, `upstream_invalid_answer`, `shutting_down`,
 *   `too_many_upstream_calls`, `request_timeout`, `request_body_too_large`; and `ClientGoneError`
 */
export async function openUpstream(
  request: AcceptedRequest,
  destination: Destination,
  {
    paid,
    watch,
    settled,
    lasting,
    connection = 'kept',
    room = paid === undefined ? 'free' : 'paid',
  }: ForwardTerms = {},
): Promise<UpstreamResponse> {
  const { head, body, client, runtime, method, clientGone } = request;
  const { upstream, timeoutMs } = destination;
  // An informational answer can hold what is sold, such as the links of a 103: it is passed on only after the money has
  // moved.
  const mayHint = head.httpVersionMinor > 0 && (paid === undefined || settled === true);
  const place = request.place ?? takePlace(request, upstream, room);
  const startedAt = performance.now();
  const open = (trace: TraceContext | undefined): Promise<UpstreamResponse> =>
    runtime.upstreamClient(upstream).open({
      method,
      path: forwardedPath(request, destination),
      headers: withLengthOf(body?.replacement, headersOf(request, upstream, paid, trace)),
      body,
      place,
      fields: runtime.fields,
      watch,
      hintsTo: mayHint ? client.hints : undefined,
      timeoutMs,
      connection,
      departure: lasting === true ? undefined : clientGone,
    });
  try {
    const response = await traced(request.notes.trace, 'upstream', open, ({ status }) => ({ status }));
    const { rawHeaders } = response;
    if (hasLocations(rawHeaders)) publishLocations(rawHeaders, publicPlaceOf(request, destination));
    return response;
  } catch (fault) {
    place.release();
    throw fault;
  } finally {
    request.notes.upstreamMs = performance.now() - startedAt;
  }
}

function headersOf(
  request: AcceptedRequest,
  upstream: Upstream,
  paid: PaidFacts | undefined,
  trace: TraceContext | undefined,
): string[] {
  const headers = forwardedHeaders(request, upstream, paid, trace);
  if (request.plainAnswer !== true) {
    const parts = freeParts(request, paid);
    return parts.length === 0 ? headers : forWholeAnswer(headers, parts);
  }
  return forReadableAnswer(request.jsonAnswer === true ? askingForJson(headers) : headers);
}

/**
 * The parts of an answer that would cost nothing although the answer costs something: a buyer could ask for all of it as
 * a part.
 */
function freeParts({ price }: Pick<AcceptedRequest, 'price'>, paid: PaidFacts | undefined): readonly PartStatus[] {
  if (price === undefined || paid?.money === undefined || !isCharged(price.charge, 200)) return [];
  return PART_STATUSES.filter((status) => !isCharged(price.charge, status));
}

/** The path and query for the upstream, below its base path: canonical, rewritten. */
export function forwardedPath(request: AcceptedHead, { rewrite }: Destination): string {
  return rewritten(request.path, rewrite) + request.query;
}

/** The public place of the upstream's resources. */
export function publicPlaceOf({ publicOrigin }: AcceptedHead, { upstream, rewrite }: Destination): PublicPlace {
  const [, host] = upstream.headers.find(([name]) => name === 'host') ?? [];
  return { publicOrigin, servers: upstream.servers, host, rewrite };
}

/** The headers for the upstream. */
export function forwardedHeaders(
  request: AcceptedHead,
  upstream: Upstream,
  paid: PaidFacts | undefined,
  trace: TraceContext | undefined,
): string[] {
  const { head, runtime, requestId, proto, host } = request;
  const { peer } = head;
  const raw = request.withheld === undefined ? head.rawHeaders : without(head.rawHeaders, request.withheld);
  return forwardRequestHeaders(raw, {
    fields: runtime.fields,
    peer: peer ?? 'unknown',
    peerTrusted: runtime.trustedPeers.has(peer),
    proto,
    host,
    requestId,
    upstreamHeaders: upstream.headers,
    paid,
    trace,
  });
}

/**
 * Checks that a response's head can be relayed, before anything depends on it.
 *
 * @throws GatewayError `upstream_invalid_answer`; the response is discarded then
 */
export function checkHead(request: AcceptedRequest, response: UpstreamResponse): void {
  headOf(request, response, response.rawHeaders, true, []);
}

/**
 * The head of a response as an answer of its own; its body is dropped.
 *
 * @throws GatewayError `upstream_invalid_answer` for a head that cannot be relayed
 */
export function headAlone(request: AcceptedRequest, response: UpstreamResponse): Answer {
  const headers = headOf(request, response, headOfChanged(response.rawHeaders, 0), false, []);
  response.discard();
  const { status, statusText: reason } = response;
  return { status, reason, headers, body: undefined, encoding: 'latin1', dated: true };
}

/** Changes the body of an answer on its way. */
export interface Changes {
  readonly passage: Passage;
  /** Length of the changed body, in bytes; `undefined` while it is not known, `same` for the API's own. */
  readonly length: number | undefined | 'same';
}

/**
 * Relays a response to the client; `add` are the gateway's own headers, `changes` change its body.
 *
 * @throws GatewayError `upstream_invalid_answer` for a head that {@link checkHead} would have refused
 */
export async function relay(
  request: AcceptedRequest,
  response: UpstreamResponse,
  paid: boolean,
  add: readonly (readonly [string, string])[],
  changes?: Changes,
): Promise<RelayOutcome> {
  const { client } = request;
  const raw =
    changes === undefined || changes.length === 'same' ? undefined : headOfChanged(response.rawHeaders, changes.length);
  const headers = headOf(request, response, raw ?? response.rawHeaders, paid, add);
  if (client.isGone) {
    response.discard();
    return { kind: 'client_gone' };
  }
  request.notes.headAt = performance.now();
  const { status, statusText } = response;
  const head = { status, statusText, headers };
  const { trace } = request.notes;
  if (trace === undefined) return await client.relay(response, head, changes?.passage);
  return await traced(trace, 'relay', () => client.relay(response, head, changes?.passage), kindOf);
}

/** The outcome of a request whose answer was relayed; `whole` is the outcome of a complete one. */
export function endOf({ kind }: RelayOutcome, whole: RequestOutcome): RequestOutcome {
  switch (kind) {
    case 'complete':
      return whole;
    case 'client_gone':
      return 'client_gone';
    case 'upstream_broke':
      return 'failed';
  }
}

function headOf(
  request: AcceptedRequest,
  response: UpstreamResponse,
  rawHeaders: readonly string[],
  paid: boolean,
  add: readonly (readonly [string, string])[],
): string[] {
  const { head, method, price, runtime } = request;
  const { status } = response;
  try {
    const passes = price?.access !== undefined;
    const { httpVersionMinor } = head;
    const { fields } = runtime;
    const anyOrigin = anyOriginReads(request);
    return relayResponseHeaders(rawHeaders, { fields, method, status, httpVersionMinor, paid, passes, anyOrigin, add });
  } catch (fault) {
    response.discard();
    throw fault;
  }
}

/**
 * The path that a rewrite makes of a canonical one. Segments are compared decoded, as in the route table: an escape must
 * not bypass a rewrite.
 */
export function rewritten(path: string, rewrite: PathRewrite | undefined): string {
  if (rewrite === undefined) return path;
  const from = segmentsOf(rewrite.from);
  const segments = segmentsOf(path);
  if (!from.every((segment, index) => meaningOf(segment) === meaningOf(segments[index] ?? ''))) return path;
  return `/${[...segmentsOf(rewrite.to), ...segments.slice(from.length)].join('/')}`;
}

/** The segments below `/`, which itself has none. */
function segmentsOf(path: string): string[] {
  return path === '/' ? [] : path.slice(1).split('/');
}
