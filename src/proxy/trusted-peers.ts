import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** The text in place of an address for a peer on a unix socket, which has none. */
export const UNIX_PEER = 'unix';

/** The peers whose forwarding headers are believed. */
export interface TrustedPeers {
  /** Whether a socket's `remoteAddress` is one of them. An address that cannot be read is not. */
  has(address: string | undefined): boolean;
}

type Block = readonly [ipaddr.IPv4 | ipaddr.IPv6, number];

/**
 * Compiles addresses and CIDR blocks, such as `10.0.0.0/8` or `fd00::/8`.
 *
 * IPv4 and its IPv6-mapped form (`::ffff:10.0.0.1`) are the same address, in blocks and in peers: a dual-stack socket
 * reports IPv4 peers in the mapped form.
 *
 * `unix` stands for every peer on a unix socket.
 *
 * @throws Error for a block that is neither; the configuration is checked with this very function.
 */
export function compileTrustedPeers(blocks: readonly string[]): TrustedPeers {
  const compiled = blocks.filter((block) => block !== UNIX_PEER).map(parseBlock);
  const trustsUnix = blocks.includes(UNIX_PEER);
  return {
    has(address) {
      if (address === UNIX_PEER) return trustsUnix;
      if (compiled.length === 0) return false;
      const peer = readPeerAddress(address);
      return peer !== undefined && compiled.some(([network, bits]) => contains(network, bits, peer));
    },
  };
}

/**
 * Reads the address of a peer, IPv4 in its IPv6-mapped form as IPv4; `undefined` for what is none. Never throws.
 *
 * The zone of a link-local address (`fe80::1%br-0a1b`) names an interface of this machine and is no part of the
 * address. Names of bridges and VLANs may hold characters at which ipaddr.js throws.
 */
export function readPeerAddress(text: string | undefined): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  const address = text?.split('%', 1)[0] ?? '';
  return isIP(address) === 0 ? undefined : ipaddr.process(address);
}

/**
 * The address of a peer as others know it. A socket for IPv4 and IPv6 writes an IPv4 address as `::ffff:192.0.2.1`, which
 * lists of addresses do not hold, and behind a link-local address the name of an interface of this machine.
 */
export function plainAddress(text: string | undefined): string | undefined {
  if (text === undefined || !(text.startsWith('::ffff:') || text.includes('%'))) return text;
  const address = readPeerAddress(text);
  return address instanceof ipaddr.IPv4 ? address.toString() : text.split('%', 1)[0];
}

function contains(network: Block[0], bits: number, peer: Block[0]): boolean {
  if (network instanceof ipaddr.IPv4) return peer instanceof ipaddr.IPv4 && peer.match(network, bits);
  return peer instanceof ipaddr.IPv6 && peer.match(network, bits);
}

function parseBlock(text: string): Block {
  const [host = '', prefix, ...rest] = text.split('/');
  // ipaddr.js alone would read 010.0.0.0 as octal and 10.1 as 10.0.0.1: a block must not mean something else.
  if (isIP(host) === 0 || rest.length > 0 || (prefix !== undefined && !/^\d{1,3}$/.test(prefix))) {
    throw new Error(`${JSON.stringify(text)} is neither an IP address nor a CIDR block such as 10.0.0.0/8`);
  }
  const [network, bits] = prefix === undefined ? wholeAddress(host) : ipaddr.parseCIDR(text);
  if (network instanceof ipaddr.IPv6 && network.isIPv4MappedAddress() && bits >= 96) {
    return [network.toIPv4Address(), bits - 96];
  }
  return [network, bits];
}

function wholeAddress(text: string): Block {
  const address = ipaddr.parse(text);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}
