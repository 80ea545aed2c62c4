import type { AgentCheck } from '../content/agent-signatures.ts';
import { isOwnHost } from '../domain/own-host.ts';
import type { Route } from '../domain/route.ts';
import type { AcceptedHead } from './exchange.ts';

/**
 * Checks the signature of an agent on a request, over the authority that clients see. Where the gateway does not know
 * its own name, no signature is valid: one made for another site could be sent on to this one.
 */
export function checkAgent(
  { runtime, method, publicOrigin, path, query, head }: AcceptedHead,
  { host }: Route,
): AgentCheck {
  const { agents, plan } = runtime;
  if (agents === undefined) return { kind: 'unsigned' };
  if (!isOwnHost(new URL(publicOrigin).host, { publicUrl: plan.publicUrl, routeHost: host }))
    return { kind: 'refused', why: 'there is no publicUrl or host that it could be for' };
  return agents.check({ method, origin: publicOrigin, path, query, rawHeaders: head.rawHeaders });
}
