import { performance } from 'node:perf_hooks';
import { formatAmount } from '../domain/amount.ts';
import type { PaymentRecord } from '../domain/payment-record.ts';
import type { PathRewrite } from '../domain/route.ts';
import type { Upstream } from '../domain/upstream.ts';
import { forwardRequestHeaders, type PaidFacts, relayResponseHeaders } from '../proxy/headers.ts';
import { bodyOf } from '../proxy/upload-body.ts';
import type { RelayOutcome, UpstreamResponse } from '../proxy/upstream-connection.ts';
import type { AcceptedRequest } from './exchange.ts';

/** Where a request goes. */
export interface Destination {
  readonly upstream: Upstream;
  readonly rewrite: PathRewrite | undefined;
  /** How long until response headers, in milliseconds. */
  readonly timeoutMs: number;
}

/** What the upstream is told about a payment. */
export function paidFacts(record: PaymentRecord): PaidFacts {
  const { payer, network, asset, amount, route } = record;
  return { payer, network, asset, amount: formatAmount(amount), route };
}

/**
 * Sends the request on and waits for the response's head; the body stays in the upstream's connection.
 *
 * @throws GatewayError `upstream_unreachable`, `upstream_timeout`, `upstream_invalid_answer`, `shutting_down`; and
 *   `ClientGoneError`
 */
export async function openUpstream(
  request: AcceptedRequest,
  destination: Destination,
  paid: PaidFacts | undefined,
): Promise<UpstreamResponse> {
  const { req, res, runtime, method, clientGone } = request;
  const { upstream, timeoutMs } = destination;
  const body = bodyOf(req);
  // A client that asked whether to send its body is told so only now, when it is wanted.
  if (body !== undefined && req.headers.expect?.toLowerCase() === '100-continue') res.writeContinue();
  const startedAt = performance.now();
  try {
    return await runtime.upstreamClient(upstream).open({
      method,
      path: forwardedPath(request, destination),
      headers: forwardedHeaders(request, upstream, paid),
      body,
      timeoutMs,
      signal: clientGone,
    });
  } finally {
    request.notes.upstreamMs = performance.now() - startedAt;
  }
}

/** The path and query that the upstream sees: canonical, rewritten, below the upstream's base path. */
export function forwardedPath(request: AcceptedRequest, { upstream, rewrite }: Destination): string {
  return upstream.basePath + rewritten(request.path, rewrite) + request.query;
}

/** The headers that the upstream sees. */
export function forwardedHeaders(request: AcceptedRequest, upstream: Upstream, paid: PaidFacts | undefined): string[] {
  const { req, runtime, requestId, host } = request;
  const peer = req.socket.remoteAddress;
  return forwardRequestHeaders(req.rawHeaders, {
    peer: peer ?? 'unknown',
    peerTrusted: runtime.trustedPeers.has(peer),
    proto: 'http',
    host,
    requestId,
    upstreamHeaders: upstream.headers,
    paid,
  });
}

/** Relays a response to the client; `add` are headers of the gateway's own. */
export function relay(
  request: AcceptedRequest,
  response: UpstreamResponse,
  paid: boolean,
  add: readonly (readonly [string, string])[],
): Promise<RelayOutcome> {
  const { req, res, method } = request;
  const { status, statusText, rawHeaders } = response;
  let headers: string[];
  try {
    const context = { method, status, httpVersionMinor: req.httpVersionMinor, paid, add };
    headers = relayResponseHeaders(rawHeaders, context);
  } catch (fault) {
    response.discard();
    throw fault;
  }
  if (res.destroyed) {
    response.discard();
    return Promise.resolve({ kind: 'client_gone' });
  }
  // Bodies that the upstream answered early without reading are cut off with the connection.
  if (!req.complete && bodyOf(req) !== undefined) res.shouldKeepAlive = false;
  res.sendDate = false;
  res.writeHead(status, statusText, headers);
  return response.relay(res);
}

function rewritten(path: string, rewrite: PathRewrite | undefined): string {
  if (rewrite === undefined) return path;
  const { from, to } = rewrite;
  if (path !== from && !path.startsWith(from === '/' ? '/' : `${from}/`)) return path;
  const rest = from === '/' ? path : path.slice(from.length);
  const joined = to === '/' ? rest : to + rest;
  return joined === '' ? '/' : joined;
}
