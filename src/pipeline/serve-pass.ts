import { GatewayError } from '../domain/gateway-error.ts';
import type { UpstreamResponse } from '../proxy/upstream-connection.ts';
import { mayHaveReachedUpstream } from '../proxy/upstream-fault.ts';
import type { RoutedRequest } from './exchange.ts';
import { endOf, openUpstream, relay } from './forward.ts';
import { type Admission, type Served, served } from './stages.ts';

/**
 * Serves a request that a pass or a quota opened: nothing is charged. What the upstream fails to do gives the request back to the
 * pass; a client that goes away has used it, or the upstream could be put to work for nothing.
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

/** What is free does not take the room of what is paid for. */
function roomOf({ outcome }: Pick<Admission, 'outcome'>): 'free' | 'paid' {
  return outcome === 'free_quota' ? 'free' : 'paid';
}

/** Whether a request of a pass was not used up by a request that ended in this fault. */
function isUnusedAfter(fault: unknown): boolean {
  const own = fault instanceof GatewayError && fault.meaning.source !== 'client';
  return own || !mayHaveReachedUpstream(fault);
}
