import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { ListenAddress } from '../domain/plan.ts';

/** Closes a server and its connections. */
export function closeNow(server: Server): void {
  server.close();
  server.closeAllConnections();
}

/**
 * Lets a server listen, and returns its `http://host:port`, or `unix:/path`.
 *
 * A unix socket is open to everybody who may enter its folder, as with other servers. Any file in its place fails with
 * `EADDRINUSE`: call {@link removeStaleSocket} before, once for all processes that share the address.
 */
export async function listenOn(server: Server, address: ListenAddress, scheme = 'http'): Promise<string> {
  if (address.kind === 'tcp') {
    await begin(server, () => server.listen(address.port, address.host));
    return urlOf(server.address(), scheme);
  }
  await begin(server, () => server.listen(address.path));
  chmodSync(address.path, 0o666);
  return `unix:${address.path}`;
}

function begin(server: Server, listen: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.off('error', reject);
      resolve();
    });
    listen();
  });
}

/**
 * Removes the unix socket of a process that was killed. Any other file is left alone, and so is a socket that answers.
 * Where several processes share the address, one of them does this before any of them listens: otherwise a new socket
 * could be taken for the old one.
 */
export async function removeStaleSocket(address: ListenAddress): Promise<void> {
  if (address.kind === 'tcp') return;
  const { path } = address;
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return;
  if (await isAnswered(path)) return;
  unlinkSync(path);
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(true));
    // Only a refused connection shows that no process listens. A socket that denies access may be in use.
    socket.once('error', (fault: NodeJS.ErrnoException) => resolve(fault.code !== 'ECONNREFUSED'));
    socket.once('connect', () => socket.destroy());
  });
}

function urlOf(address: AddressInfo | string | null, scheme: string): string {
  if (address === null || typeof address === 'string') throw new Error('the listener has no address');
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `${scheme}://${host}:${address.port}`;
}
