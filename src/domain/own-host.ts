import { hostName } from './host.ts';

/** The machine itself, as `URL` spells it: nobody else has a site there. */
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/**
 * Whether a host is known to be one of ours: what a request says of it proves nothing. What was signed for a host that is
 * not could have been signed for somebody else's site, and sent on to us.
 *
 * @param host with port, as clients see it
 */
export function isOwnHost(
  host: string,
  known: { readonly publicUrl: string | undefined; readonly routeHost: string | undefined },
): boolean {
  const name = hostName(host);
  return known.publicUrl !== undefined || name === known.routeHost || LOOPBACK.test(name);
}
