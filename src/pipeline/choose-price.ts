import type { Route } from '../domain/route.ts';
import type { RoutePrice } from '../domain/route-price.ts';

/** The price of a request of a route. */
export function choosePrice({ name, prices: [price] }: Route): RoutePrice {
  if (price === undefined) throw new Error(`the route ${name} has no price`);
  return price;
}
