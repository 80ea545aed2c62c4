import type { Plan } from '../domain/plan.ts';
import type { Route } from '../domain/route.ts';
import type { Operation } from '../openapi/operations.ts';
import { samplePath } from '../openapi/sample-path.ts';

/** Finds the route that matches a request for an operation; `undefined` where there is none. */
export type FindRoute = (operation: Pick<Operation, 'method' | 'template'>) => Route | undefined;

/**
 * Prepares the search for many operations of one description. A description does not tell hosts apart: every host of the
 * table is tried.
 *
 * @param firstHost the host that is tried before those of the table; `''` for the routes without one
 */
export function routeFinder({ routes, table }: Pick<Plan, 'routes' | 'table'>, firstHost: string): FindRoute {
  const hosts = new Set([firstHost, ...routes.flatMap(({ host }) => host ?? [])]);
  return ({ method, template }) => {
    const path = samplePath(template);
    for (const host of hosts) {
      const route = table.match(method, host, path);
      if (route !== undefined) return route;
    }
    return undefined;
  };
}
