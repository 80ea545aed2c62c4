import type { Socket } from 'node:net';
import { type PeerAddress, readProxyHeader } from './proxy-header.ts';

/** How long a proxy may take to send its header, in milliseconds. It sends it first. */
const HEADER_TIMEOUT_MS = 5_000;

/**
 * Takes the header of the PROXY protocol off the front of a connection, and calls back with the client that it names. A
 * connection without a whole header in time is cut: its client is unknown.
 *
 * What follows the header stays in the socket, which is paused.
 */
export function takeProxyHeader(socket: Socket, done: (source: PeerAddress | undefined) => void): void {
  let received: Buffer = Buffer.alloc(0);
  const cut = (): void => void socket.destroy();
  const timer = setTimeout(cut, HEADER_TIMEOUT_MS);
  const onData = (chunk: Buffer): void => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    const header = readProxyHeader(received);
    if (header.kind === 'incomplete') return;
    if (header.kind === 'malformed') {
      cut();
      return;
    }
    leave();
    socket.pause();
    if (received.length > header.length) socket.unshift(received.subarray(header.length));
    done(header.source);
  };
  const leave = (): void => {
    clearTimeout(timer);
    socket.off('data', onData).off('end', cut).off('error', cut).off('close', leave);
  };
  socket.on('data', onData).on('end', cut).on('error', cut).on('close', leave);
}
