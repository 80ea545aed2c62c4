/** Hosts of this machine, as `URL` spells them. A name such as `127.example.com` is not among them. */
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/**
 * Whether a host can only be this machine.
 *
 * @param hostname lower case, without a port, IPv6 in brackets
 */
export function isLoopback(hostname: string): boolean {
  return LOOPBACK.test(hostname);
}
