import type { Plan } from '../domain/plan.ts';
import type { Route } from '../domain/route.ts';
import { paidPrices } from '../domain/route-price.ts';
import type { OfferForSale } from '../observe/payment-metrics.ts';
import type { Protocol } from '../protocol/protocol.ts';

/**
 * What a plan sells, as metrics count it.
 *
 * @param protocols in which a route can be paid
 */
export function forSale(
  { routes }: Pick<Plan, 'routes'>,
  protocols: (route: Route) => readonly Protocol[],
): readonly OfferForSale[] {
  return routes.flatMap((route) =>
    paidPrices(route).flatMap(({ id, offers, settle, metering }) =>
      offers.map(({ network, asset, scheme }) => ({
        route: id,
        network,
        asset: asset.address,
        scheme,
        protocols: protocols(route).map(({ name }) => name),
        onCredit: settle === 'deferred' || metering !== undefined,
      })),
    ),
  );
}
