/** A host name, IPv4 address or bracketed IPv6 address, with an optional port. */
const HOST = /^(?:[a-z0-9](?:[a-z0-9._-]{0,253}[a-z0-9.])?|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/;

/** Reads a Host header: lower case, no user info, nothing that two servers could read differently. */
export function parseHost(text: string | undefined): string | undefined {
  const host = text?.toLowerCase();
  return host !== undefined && HOST.test(host) ? host : undefined;
}

/** A parsed host without its port. */
export function hostName(host: string): string {
  return host.replace(/:\d+$/, '');
}
