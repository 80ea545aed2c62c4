import { hash } from 'node:crypto';
import type { RoutedRequest } from './exchange.ts';

/** What a payment is bound to: SHA-256 over route, method, host, canonical path and query, hex. */
export function fingerprintOf(request: Pick<RoutedRequest, 'route' | 'method' | 'host' | 'path' | 'query'>): string {
  const { route, method, host, path, query } = request;
  // None of the parts can hold a line feed, so that no two requests share a text.
  return hash('sha256', [route.name, method, host, path, query].join('\n'));
}
