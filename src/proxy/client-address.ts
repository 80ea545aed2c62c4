import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { remember } from '../domain/remember.ts';
import type { RequestHead } from '../domain/request-head.ts';
import { forwardedHops } from './forwarded.ts';
import { plainAddress, readPeerAddress, type TrustedPeers } from './trusted-peers.ts';

/** The group of every client without a readable address. */
const UNKNOWN = 'unknown';

/** The group that a request is counted under: the network of its {@link clientAddress}. */
export function clientGroup(head: Pick<RequestHead, 'peer' | 'headers'>, trusted: TrustedPeers): string {
  return addressGroup(clientAddress(head, trusted));
}

/**
 * The client's address: the peer of the connection, or, behind trusted proxies, the right-most hop of
 * `X-Forwarded-For`, or of `Forwarded`, that is not trusted. Everything further left was written by that hop, which can
 * be anybody. A proxy that writes `Forwarded` alone has to remove the other header, which clients can send.
 */
export function clientAddress(head: Pick<RequestHead, 'peer' | 'headers'>, trusted: TrustedPeers): string | undefined {
  let address = head.peer;
  if (!trusted.has(address)) return address;
  const hops = forwardedHops(head);
  for (let hop = hops.pop(); hop !== undefined; hop = hops.pop()) {
    const named = bareAddress(hop);
    // A hop that cannot be read is counted as the proxy that named it.
    if (named === undefined) break;
    address = named;
    if (!trusted.has(named)) break;
  }
  return address;
}

/** Addresses whose group is cached: every request needs it, and most come from known addresses. */
const MOST_KNOWN = 4096;

/** The addresses that count as one client: an IPv4 address, or an IPv6 /64, since every subscriber has a whole one. */
export const addressGroup: (address: string | undefined) => string = remember(MOST_KNOWN, groupOf);

function groupOf(address: string | undefined): string {
  const parsed = readPeerAddress(address);
  if (parsed === undefined) return UNKNOWN;
  if (parsed instanceof ipaddr.IPv4) return parsed.toString();
  const network = parsed.parts.slice(0, 4).map((part) => part.toString(16));
  return `${network.join(':')}::/64`;
}

/** Some proxies write the port as well: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
function bareAddress(hop: string): string | undefined {
  const [, ipv6, ipv4] = /^(?:\[([^\]]+)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+):\d+)$/.exec(hop) ?? [];
  const address = ipv6 ?? ipv4 ?? hop;
  return isIP(address) === 0 ? undefined : plainAddress(address);
}
