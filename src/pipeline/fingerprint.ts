import { hash } from 'node:crypto';
import type { RoutedRequest } from './exchange.ts';

/** What a payment is bound to: SHA-256 over price, method, host, canonical path and query, hex. */
export function fingerprintOf(request: Pick<RoutedRequest, 'price' | 'method' | 'host' | 'path' | 'query'>): string {
  const { price, method, host, path, query } = request;
  // None of the parts can hold a line feed, so that no two requests share a text.
  return hash('sha256', [price.id, method, host, path, query].join('\n'));
}
