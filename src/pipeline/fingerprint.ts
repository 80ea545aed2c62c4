import { hash } from 'node:crypto';
import { withoutEndSlash } from '../domain/request-target.ts';
import type { RoutedRequest } from './exchange.ts';

/** What a payment is bound to: SHA-256 over price, method, host, canonical path without a slash at its end, and query, hex;
 * and over the body, where that decided the price. */
export function fingerprintOf(
  request: Pick<RoutedRequest, 'price' | 'pricedBody' | 'method' | 'host' | 'path' | 'query'>,
): string {
  const { price, pricedBody, method, host, path, query } = request;
  const body = pricedBody === undefined ? [] : [hash('sha256', pricedBody)];
  // None of the parts can hold a line feed, so that no two requests share a text.
  return hash('sha256', [price.id, method, host, withoutEndSlash(path), query, ...body].join('\n'));
}
