import { hostName } from './host.ts';
import { isLoopback } from './loopback.ts';

/**
 * Whether a host is known to be ours; a request's own word proves nothing. What was signed for an unknown host could
 * have been signed for another site, and sent on to us. A loopback address is always ours.
 *
 * @param host with port, as clients see it
 */
export function isOwnHost(
  host: string,
  known: { readonly publicUrl: string | undefined; readonly routeHost: string | undefined },
): boolean {
  const name = hostName(host);
  return known.publicUrl !== undefined || name === known.routeHost || isLoopback(name);
}
