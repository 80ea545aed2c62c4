import type { Duplex } from 'node:stream';
import type { PeerAddress } from './proxy-header.ts';

/**
 * Fixes the client of a connection: the one that a proxy in front named, or a local socket. Everything that asks
 * (`trustedProxies`, limits, `X-Forwarded-For`) asks the socket, and gets the same answer. It also lasts after the
 * connection is gone, when the system has forgotten its address.
 */
export function fixPeer(socket: Duplex, { address, port }: PeerAddress, encrypted = false): void {
  Object.defineProperties(socket, { remoteAddress: { value: address }, remotePort: { value: port } });
  if (encrypted) Object.defineProperty(socket, 'encrypted', { value: true });
}
