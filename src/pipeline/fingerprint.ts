import { hash } from 'node:crypto';
import type { RoutedRequest } from './exchange.ts';

/** What a payment is bound to: SHA-256 over price, method, host, canonical path and query, hex;
 * and over the body, where that decided the price. */
export function fingerprintOf(
  request: Pick<RoutedRequest, 'price' | 'pricedBody' | 'method' | 'host' | 'path' | 'query'>,
): string {
  const { price, pricedBody, method, host, path, query } = request;
  const body = pricedBody === undefined ? [] : [hash('sha256', pricedBody)];
  // None of the parts can hold a line feed, so that no two requests share a text.
  return hash('sha256', [price.id, method, host, path, query, ...body].join('\n'));
}
