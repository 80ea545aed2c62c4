import type { Plan } from '../domain/plan.ts';
import type { Route } from '../domain/route.ts';
import { paidPrices } from '../domain/route-price.ts';
import type { OfferForSale } from '../observe/payment-metrics.ts';
import type { Protocol } from '../protocol/protocol.ts';

/**
 * What a plan sells, as metrics count it; made one by one, as a large plan has more than is counted.
 *
 * @param protocols in which a route can be paid
 */
export function* forSale(
  { routes }: Pick<Plan, 'routes'>,
  protocols: (route: Route) => readonly Protocol[],
): Generator<OfferForSale, void, undefined> {
  for (const route of routes) {
    for (const { id, offers, settle, metering } of paidPrices(route)) {
      const onCredit = settle === 'deferred' || metering !== undefined;
      const names = protocols(route).map(({ name }) => name);
      for (const { network, asset, scheme } of offers)
        yield { route: id, network, asset: asset.address, scheme, protocols: names, onCredit };
    }
  }
}
