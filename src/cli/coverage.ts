import { routeFinder } from '../discovery/operation-route.ts';
import type { Plan } from '../domain/plan.ts';
import { isPriced } from '../domain/route-price.ts';
import type { OperationList } from '../openapi/operations.ts';

/** How a price table and an API description differ. */
export interface Coverage {
  /** Operations that no route sells: `GET /pets`, and what a request for it would get. */
  readonly unpriced: readonly {
    readonly operation: string;
    readonly gets: 'free' | 'forwarded unmatched' | 'not found';
  }[];
  /** Names of priced routes that no operation of the description meets. */
  readonly unused: readonly string[];
}

/** Whether every operation has a route, and every price an operation. A free route counts: it is free on purpose. */
export function isCovered({ unpriced, unused }: Coverage): boolean {
  return unused.length === 0 && unpriced.every(({ gets }) => gets === 'free');
}

/** Compares a price table with the operations of an API description, by a request for each operation. */
export function coverageOf(plan: Plan, { operations }: OperationList): Coverage {
  const findRoute = routeFinder(plan, '');
  const met = new Set<string>();
  const unpriced: Coverage['unpriced'][number][] = [];
  for (const { method, template } of operations) {
    const operation = `${method} ${template}`;
    const route = findRoute({ method, template });
    if (route === undefined) {
      unpriced.push({ operation, gets: plan.unmatched.kind === 'deny' ? 'not found' : 'forwarded unmatched' });
      continue;
    }
    met.add(route.name);
    if (!isPriced(route)) unpriced.push({ operation, gets: 'free' });
  }
  const unused = plan.routes.filter((route) => isPriced(route) && !met.has(route.name));
  return { unpriced, unused: unused.map((route) => route.name) };
}
