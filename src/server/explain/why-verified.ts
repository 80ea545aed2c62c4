import type { Route } from '../../domain/route.ts';
import { checkAgent } from '../../pipeline/check-agent.ts';
import type { AcceptedHead } from '../../pipeline/exchange.ts';

/** The result of an agent's signature, where a price depends on it. */
export function whyVerified(accepted: AcceptedHead, route: Route): readonly string[] {
  const asks = route.prices.some(({ when }) => when.some(({ subject }) => subject.kind === 'agent'));
  if (!asks || accepted.runtime.agents === undefined) return [];
  const check = checkAgent(accepted, route);
  switch (check.kind) {
    case 'unsigned':
      return ['no agent has signed the request'];
    case 'verified':
      return [`the request is signed by ${check.agent}`];
    case 'refused':
      return [`the signature of the request is not taken: ${check.why}`];
  }
}
