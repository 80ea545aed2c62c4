import type { RoutedRequest } from './exchange.ts';

/** Methods without effects of their own (RFC 9110 §9.2.1, and the safe ones of other specifications). */
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS', 'QUERY', 'PROPFIND', 'REPORT', 'SEARCH']);

/**
 * Whether a request may be carried out again without harm: its method is safe, or the operator says that the API
 * handles repetitions. A payment that buys a balance can always be collected: each of its calls is charged separately.
 */
export function isRepeatable({ method, route, price }: Pick<RoutedRequest, 'method' | 'route' | 'price'>): boolean {
  return route.idempotent || SAFE_METHODS.has(method) || price.access?.terms.balance !== undefined;
}
