import { remember } from './remember.ts';

/** A host name, IPv4 address or bracketed IPv6 address, with an optional port. */
const HOST = /^(?:[a-z0-9](?:[a-z0-9._-]{0,253}[a-z0-9.])?|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i;

/** Most Host headers that are remembered: a gateway is asked under the same few names all day. */
const MOST_KNOWN = 64;

const known = remember(MOST_KNOWN, readHost);

/** Reads a Host header: lower case, no user info, nothing that two servers could read differently. */
export function parseHost(text: string | undefined): string | undefined {
  return text === undefined ? undefined : known(text);
}

function readHost(text: string): string | undefined {
  // Tested as sent: lower-casing first would turn some other letters into ASCII ones, such as the Kelvin sign.
  if (!HOST.test(text) || text.includes('..')) return undefined;
  const host = text.toLowerCase();
  // It goes into `resource.url`: a port above 65535 or an address such as 1.2.3.256 makes no URL.
  return URL.canParse(`http://${host}/`) ? host : undefined;
}

/**
 * A parsed host without its port, as routes name it. The dot at the end of a fully qualified name is no part of it: it
 * would bypass the routes of that host.
 */
export function hostName(host: string): string {
  return host.replace(/:\d+$/, '').replace(/\.$/, '');
}
