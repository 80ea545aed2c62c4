import type { Socket } from 'node:net';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import type { ServerIdentity } from '../../domain/plan.ts';

/** How long a client may take for its handshake, in milliseconds. */
const HANDSHAKE_TIMEOUT_MS = 20_000;

/** Certificates are read once, and again when a reload changes them. */
const contexts = new WeakMap<ServerIdentity, SecureContext>();

/**
 * Starts TLS on a connection, and calls back after the handshake. A handshake that fails or takes too long ends only
 * its connection.
 */
export function secure(raw: Socket, identity: ServerIdentity, done: (socket: TLSSocket) => void): void {
  const socket = new TLSSocket(raw, {
    isServer: true,
    secureContext: contextOf(identity),
    ALPNProtocols: ['h2', 'http/1.1'],
  });
  const cut = (): void => {
    socket.destroy();
    raw.destroy();
  };
  const timer = setTimeout(cut, HANDSHAKE_TIMEOUT_MS);
  const onSecure = (): void => {
    leave();
    // Node's own server sets this; its HTTP/2 waits for it.
    Object.assign(socket, { secureConnecting: false });
    done(socket);
  };
  const leave = (): void => {
    clearTimeout(timer);
    socket.off('secure', onSecure).off('close', leave).off('error', cut).off('end', cut);
    raw.off('close', cut);
  };
  // The connection below is the one that is counted.
  socket.once('close', () => raw.destroy());
  socket.on('secure', onSecure).on('close', leave).on('error', cut).on('end', cut);
  raw.on('close', cut);
}

function contextOf(identity: ServerIdentity): SecureContext {
  let context = contexts.get(identity);
  if (context === undefined) {
    context = createSecureContext({ ...identity, minVersion: 'TLSv1.2' });
    contexts.set(identity, context);
  }
  return context;
}
