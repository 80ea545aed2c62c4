import { GatewayError } from '../domain/gateway-error.ts';
import { parseHost } from '../domain/host.ts';
import type { RequestHead } from '../domain/request-head.ts';
import { parseRequestTarget, type RequestTarget } from '../domain/request-target.ts';
import { bodyTooLarge } from '../proxy/body-limit.ts';
import { forwardedOrigin } from '../proxy/forwarded.ts';
import type { AcceptedHead, ExchangeNotes } from './exchange.ts';
import { parseAllowedTarget } from './match.ts';
import type { Runtime } from './runtime.ts';

/** Methods that would make the gateway a tunnel or a mirror. */
const NEVER_FORWARDED = new Set(['CONNECT', 'TRACE', 'TRACK']);

/** Most headers of a request. A request with more is refused: dropping some would forward a different request. */
const MOST_HEADERS = 256;

/** The input of the first stage. */
export interface Arrival {
  readonly head: RequestHead;
  readonly runtime: Runtime;
  readonly requestId: string;
  readonly notes: ExchangeNotes;
}

/**
 * First stage: reads the head of a request, and refuses what two readers could read differently.
 *
 * @throws GatewayError `request_target_invalid`, `host_invalid`, `method_not_allowed`, `expectation_failed`,
 *   `request_malformed`, `request_head_too_large`, `request_body_too_large`
 */
export function acceptRequest({ head, runtime, requestId, notes }: Arrival): AcceptedHead {
  const { method } = head;
  if (NEVER_FORWARDED.has(method))
    throw new GatewayError('method_not_allowed', { detail: `${method} is not forwarded.` });
  if (head.rawHeaders.length > 2 * MOST_HEADERS)
    throw new GatewayError('request_head_too_large', { detail: `Send at most ${MOST_HEADERS} headers.` });
  refuseOddMessage(head);
  const sentHost = readHost(head, runtime);
  const { proto, host, publicOrigin } = seenByClient(head, runtime, sentHost);
  const target = readTarget({ head, runtime, method, host }, sentHost);
  notes.path = target.path;
  refuseLargeBody(head, runtime);
  const { path, query } = target;
  return { head, runtime, requestId, notes, method, path, query, proto, host, publicOrigin };
}

/**
 * Refuses what Node's parser lets through, or checks only after the request has begun: versions other than HTTP/1.x;
 * chunks in HTTP/1.0; transfer codings, which would be lost on the way (the body would be forwarded as it is, under a head that no longer
 * names them); and any text that contains `100-continue`, which servers behind the gateway may not read as that
 * expectation.
 */
function refuseOddMessage({ headers, httpVersionMajor, httpVersionMinor }: RequestHead): void {
  const { expect, 'transfer-encoding': coding } = headers;
  if (httpVersionMajor !== 1) throw new GatewayError('request_malformed', { detail: 'Speak HTTP/1.1.' });
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') {
    throw new GatewayError('request_malformed', { detail: 'The only transfer coding is chunked.' });
  }
  // A proxy in front that speaks HTTP/1.0 may not know chunks, and see the end of the message elsewhere (RFC 9112 §6.1).
  if (coding !== undefined && httpVersionMinor === 0)
    throw new GatewayError('request_malformed', { detail: 'HTTP/1.0 has no transfer codings.' });
  if (expect === undefined || httpVersionMinor === 0 || expect.toLowerCase() === '100-continue') return;
  throw new GatewayError('expectation_failed');
}

/** Refuses by the announced length, before anything is asked, verified or claimed for the body. */
function refuseLargeBody({ headers }: RequestHead, { plan }: Runtime): void {
  const { bodyBytes } = plan.limits;
  if (bodyBytes !== undefined && Number(headers['content-length']) > bodyBytes) throw bodyTooLarge(bodyBytes);
}

/** The host that was sent. A request of HTTP/1.0 may lack it: then the host of the public URL counts. */
function readHost({ rawHeaders, headers, httpVersionMinor }: RequestHead, { plan }: Pick<Runtime, 'plan'>): string {
  let values = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 4 && name.toLowerCase() === 'host') values += 1;
  }
  if (values === 0 && httpVersionMinor === 0 && plan.publicUrl !== undefined) return new URL(plan.publicUrl).host;
  const host = values === 1 ? parseHost(headers.host) : undefined;
  if (host === undefined) throw new GatewayError('host_invalid', { detail: 'Send exactly one Host header.' });
  return host;
}

function readTarget(asked: Pick<AcceptedHead, 'head' | 'runtime' | 'method' | 'host'>, host: string): RequestTarget {
  const strict = parseRequestTarget(asked.head.target);
  const result = strict.ok ? strict : parseAllowedTarget(strict, asked);
  if (!result.ok) throw new GatewayError('request_target_invalid', { detail: `Refused because ${result.wrong}.` });
  const { target } = result;
  if (target.authority !== undefined && target.authority !== host) {
    throw new GatewayError('request_target_invalid', { detail: 'The absolute target names another host than Host.' });
  }
  return target;
}

/**
 * The scheme, the host and the origin that the client used. Only trusted proxies may state them: otherwise a client could choose
 * the URL that others pay for, or the host that a cheaper route is bound to.
 */
function seenByClient(
  head: RequestHead,
  runtime: Runtime,
  sentHost: string,
): Pick<AcceptedHead, 'proto' | 'host' | 'publicOrigin'> {
  const forwarded = runtime.trustedPeers.has(head.peer) ? forwardedOrigin(head) : undefined;
  const host = forwarded?.host ?? sentHost;
  const proto = forwarded?.proto ?? (head.encrypted ? 'https' : 'http');
  const { publicUrl } = runtime.plan;
  return { proto, host, publicOrigin: publicUrl ?? `${proto}://${host}${forwarded?.prefix ?? ''}` };
}
