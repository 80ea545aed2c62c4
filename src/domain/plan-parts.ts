import type { Offer } from './offer.ts';
import type { Plan } from './plan.ts';
import { paidPrices } from './route-price.ts';
import type { Upstream } from './upstream.ts';

/** Every offer of a plan. */
export function offersOf({ routes }: Pick<Plan, 'routes'>): readonly Offer[] {
  return routes.flatMap(paidPrices).flatMap(({ offers }) => offers);
}

/** Every upstream of a plan, once. */
export function upstreamsOf({ routes, unmatched }: Pick<Plan, 'routes' | 'unmatched'>): ReadonlySet<Upstream> {
  const upstreams = new Set(routes.map(({ upstream }) => upstream));
  if (unmatched.kind === 'pass') upstreams.add(unmatched.upstream);
  return upstreams;
}
