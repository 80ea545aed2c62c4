import type { Duplex } from 'node:stream';
import type { PeerAddress } from './proxy-header.ts';

/**
 * Fixes whom a connection comes from: what a proxy in front said of it, or that it came over a socket of this machine.
 * Everything that asks (`trustedProxies`, limits, `X-Forwarded-For`) asks the socket, and so hears the same. It stays
 * when the connection is gone, whose own address the system has forgotten then.
 */
export function fixPeer(socket: Duplex, { address, port }: PeerAddress, encrypted = false): void {
  Object.defineProperties(socket, { remoteAddress: { value: address }, remotePort: { value: port } });
  if (encrypted) Object.defineProperty(socket, 'encrypted', { value: true });
}
