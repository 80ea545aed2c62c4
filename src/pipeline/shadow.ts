import { createHash } from 'node:crypto';
import { GatewayError } from '../domain/gateway-error.ts';
import type { Offer } from '../domain/offer.ts';
import type { Route } from '../domain/route.ts';
import type { ShadowFacts } from '../observe/observer.ts';
import { clientGroup } from '../proxy/client-address.ts';
import { authorize } from './authorize.ts';
import type { AcceptedHead, RoutedRequest } from './exchange.ts';
import type { OpenPrice, Services } from './runtime.ts';

/**
 * Whether a request of a priced route is let through free of charge, because the route does not charge all clients
 * (`enforce`).
 *
 * The client's address alone decides, in the same way on every route, worker and replica: a client that was asked for
 * money is not served free when it pays, and a growing share only adds clients.
 */
export function isShadowed({ head, runtime }: Pick<AcceptedHead, 'head' | 'runtime'>, route: Route): boolean {
  const { enforcePercent } = route;
  if (enforcePercent === 100) return false;
  return enforcePercent === 0 || shareOf(clientGroup(head, runtime.trustedPeers)) >= enforcePercent;
}

/**
 * Decides how a request would be answered if every client were charged, and moves nothing: no claim, no settlement.
 * Never rejects.
 */
export async function decideInShadow(
  request: RoutedRequest,
  open: OpenPrice,
  services: Services,
): Promise<ShadowFacts> {
  try {
    const authorized = await authorize(request, open, services, { verify: 'always' });
    switch (authorized.kind) {
      case 'authorized':
        return { decision: 'paid', wouldCharge: chargeOf(authorized.payment.offer, request) };
      case 'collectable':
        return { decision: 'redelivered', wouldCharge: undefined };
      case 'refusal': {
        const asked = authorized.code === 'payment_required' ? open.offers[0] : undefined;
        return { decision: authorized.code, wouldCharge: asked && chargeOf(asked, request) };
      }
    }
  } catch (fault) {
    return { decision: fault instanceof GatewayError ? fault.code : 'internal_error', wouldCharge: undefined };
  }
}

function chargeOf({ network, asset, amount }: Offer, { price }: RoutedRequest): ShadowFacts['wouldCharge'] {
  return { network, asset: asset.address, amount, settle: price.settle };
}

/** A number from 0 to below 100 that is fixed for each text, and evenly spread over texts. */
function shareOf(text: string): number {
  return (createHash('sha256').update(text).digest().readUInt32BE(0) / 2 ** 32) * 100;
}
