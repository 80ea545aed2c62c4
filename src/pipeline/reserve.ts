import { GatewayError } from '../domain/gateway-error.ts';
import type { Upstream } from '../domain/upstream.ts';
import type { Caller, CallPlace, NoRoom } from '../proxy/call-room.ts';
import { clientGroup } from '../proxy/client-address.ts';
import { UpstreamFault } from '../proxy/upstream-fault.ts';
import type { AcceptedRequest, RoutedRequest } from './exchange.ts';

const DETAIL: Readonly<Record<NoRoom, string>> = {
  client: 'As many calls of this client are under way as may be.',
  free: 'As many free calls are under way as may be.',
  promised: 'As many calls are under way as may be before their money has moved.',
  all: 'The API has no connection left.',
};

/**
 * Takes room at an upstream for a call. Its holder releases it, or passes it on.
 *
 * @param payer the payer of a promised call
 * @throws GatewayError `too_many_upstream_calls`: the upstream has seen nothing of the call
 */
export function takePlace(
  { head, runtime }: AcceptedRequest,
  upstream: Upstream,
  kind: Caller['kind'],
  payer?: string,
): CallPlace {
  const client = clientGroup(head, runtime.trustedPeers);
  const { upstreamCallsPerClient } = runtime.plan.limits;
  const taken = runtime
    .upstreamClient(upstream)
    .calls.take({ client, kind, ...(payer === undefined ? {} : { payer }) }, upstreamCallsPerClient);
  if (typeof taken === 'object') return taken;
  const detail = DETAIL[taken];
  throw new GatewayError('too_many_upstream_calls', { detail, cause: new UpstreamFault(detail, 'no') });
}

/**
 * Takes room for a paid call before anything is claimed or charged for it, runs the call, and releases the room. A
 * request that has room already keeps it.
 *
 * @throws GatewayError `too_many_upstream_calls`: nothing was claimed, and the payment can be used as before
 */
export async function withPlace<T>(
  request: RoutedRequest,
  kind: Exclude<Caller['kind'], 'free'>,
  run: (placed: RoutedRequest) => Promise<T>,
  payer?: string,
): Promise<T> {
  if (request.place !== undefined) return await run(request);
  const place = takePlace(request, request.route.upstream, kind, payer);
  try {
    return await run({ ...request, place });
  } finally {
    place.release();
  }
}
