import type { RoutePrice } from '../domain/route-price.ts';
import { asksVerified } from '../domain/when.ts';
import type { GatewayFields } from './gateway-keys.ts';
import type { RouteFields } from './route-keys.ts';
import type { Place, Source } from './source.ts';

/**
 * Checks the prices of agents that sign: an agent can be verified, and a copy of its signature opens nothing that is
 * free.
 */
export function checkVerified(
  entries: readonly { readonly price: RoutePrice; readonly place: Place }[],
  { gateway, fields }: { readonly gateway: GatewayFields; readonly fields: RouteFields },
  source: Source,
): void {
  const verified = entries.filter(({ price }) => price.when.some(asksVerified));
  const [first] = verified;
  if (first === undefined) return;
  if (gateway.agents.kind === 'absent') {
    const wrong = 'no agent is ever verified: the file has no agents';
    source.report(first.place, wrong, 'agents, with the keys of those that are meant');
    return;
  }
  if (gateway.publicUrl.kind === 'absent' && fields.host.kind === 'absent') {
    const wrong = 'no agent is verified: there is no publicUrl that its signature could be for';
    source.warn(first.place, wrong, 'publicUrl, or a host on the route');
  }
  const free = verified.find(({ price }) => price.kind === 'free');
  if (free === undefined) return;
  const wrong = 'whoever gets hold of a signed request can send it again for nothing, until its signature ends';
  source.warn(free.place, wrong, 'a price for agents, unless that is meant');
}
