import type { RoutedRequest } from './exchange.ts';

/** Methods without effects of their own (RFC 9110 §9.2.1, and the safe ones of other specifications). */
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS', 'QUERY', 'PROPFIND', 'REPORT', 'SEARCH']);

/**
 * Whether a request may be carried out again without harm: a safe method, or the operator says that the API copes. A payment that
 * buys a balance is always collected: each call of it is charged by itself.
 */
export function isRepeatable({ method, route, price }: Pick<RoutedRequest, 'method' | 'route' | 'price'>): boolean {
  return route.idempotent || SAFE_METHODS.has(method) || price.access?.terms.balance !== undefined;
}
