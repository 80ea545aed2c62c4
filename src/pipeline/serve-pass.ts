import { GatewayError } from '../domain/gateway-error.ts';
import type { UpstreamResponse } from '../proxy/upstream-connection.ts';
import { mayHaveReachedUpstream } from '../proxy/upstream-fault.ts';
import type { RoutedRequest } from './exchange.ts';
import { endOf, openUpstream, relay } from './forward.ts';
import { type Admission, type Served, served } from './stages.ts';

/**
 * Serves a request that a pass or a free use opened: nothing is charged. A failure of the upstream gives the request
 * back. A client that leaves has used it: otherwise it could make the upstream work for nothing.
 */
export async function serveAdmitted(request: RoutedRequest, admission: Admission): Promise<Served> {
  let response: UpstreamResponse;
  try {
    response = await openUpstream(request, request.route, { paid: admission.facts, room: roomOf(admission) });
  } catch (fault) {
    if (isUnusedAfter(fault)) admission.giveBack();
    throw fault;
  }
  if (response.status >= 500) admission.giveBack();
  return served(endOf(await relay(request, response, true, admission.headers), admission.outcome));
}

/** Free calls do not take the room of paid ones. */
function roomOf({ outcome }: Pick<Admission, 'outcome'>): 'free' | 'paid' {
  return outcome === 'free_quota' ? 'free' : 'paid';
}

/** Whether the fault that ended a request leaves its use of the pass unspent. */
function isUnusedAfter(fault: unknown): boolean {
  const own = fault instanceof GatewayError && fault.meaning.source !== 'client';
  return own || !mayHaveReachedUpstream(fault);
}
