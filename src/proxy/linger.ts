import type { Duplex } from 'node:stream';

/** How long a client may keep its half open after the last answer it gets, in milliseconds. */
const LINGER_MS = 2000;

/** Leaves a client the time to read its answer and close: closing first with unread data would reset the answer away. */
export function linger(socket: Duplex): void {
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
}
