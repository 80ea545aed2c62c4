import type { Plan } from '../../domain/plan.ts';
import type { Route } from '../../domain/route.ts';
import { paidPrices } from '../../domain/route-price.ts';
import { routeTemplate } from '../../protocol/bazaar.ts';
import type { ListedResource } from './catalogue.ts';

/** The method that stands for a route with all methods. */
const ANY = 'GET';

/** Routes that cost something and are to be found: those that a catalogue can list. */
export function pricedRoutes(plan: Plan): readonly Route[] {
  return plan.routes.filter((route) => paidPrices(route).length > 0 && !route.unlisted);
}

/** Accounts that are paid: by them catalogues are searched. */
export function payeesOf(plan: Plan): readonly string[] {
  const offers = pricedRoutes(plan).flatMap((route) => paidPrices(route).flatMap((price) => price.offers));
  return [...new Set(offers.map(({ payTo }) => payTo))];
}

/** The names of the routes that a catalogue lists. */
export function namesListed(plan: Plan, listed: readonly ListedResource[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { url } of listed) {
    const route = routeOf(plan, url);
    if (route !== undefined) names.add(route.name);
  }
  return names;
}

function routeOf({ routes, table, publicUrl }: Plan, url: string): Route | undefined {
  // A template has `:name` where a URL cannot say more: as a segment of a path it is one that matches.
  if (!URL.canParse(url)) return undefined;
  const { origin, hostname, pathname } = new URL(url);
  if (publicUrl !== undefined && new URL(publicUrl).origin !== origin) return undefined;
  const byTemplate = routes.find((route) => routeTemplate(route.pattern) === pathname);
  if (byTemplate !== undefined) return byTemplate;
  const methods = new Set([ANY, ...routes.flatMap((route) => route.methods ?? [])]);
  for (const method of methods) {
    const route = table.match(method, hostname, pathname);
    if (route !== undefined) return route;
  }
  return undefined;
}
