import { forwardedOrigin } from '../proxy/forwarded.ts';
import type { AcceptedHead } from './exchange.ts';

/**
 * A path as a browser knows it, for a cookie: with the prefix that a trusted proxy has removed, also where `publicUrl`
 * names the origin. A browser would not send a cookie for the path that is left.
 */
export function browserPath({ head, runtime }: Pick<AcceptedHead, 'head' | 'runtime'>, path: string): string {
  const prefix = runtime.trustedPeers.has(head.peer) ? forwardedOrigin(head).prefix : '';
  return prefix !== '' && path === '/' ? prefix : prefix + path;
}
