import { connect } from 'node:net';
import type { Random } from '../crash/random.ts';

/** How bytes are sent. */
export interface Manner {
  /** Lengths of the pieces that are written one after another; what is left is written at the end. */
  readonly pieces: readonly number[];
  readonly pauseMs: number;
  /** What the client does after its last byte. */
  readonly lastly: 'wait' | 'half-close' | 'reset';
  /** How long it waits for the end of the connection, in milliseconds. */
  readonly patienceMs: number;
}

/** What came back. */
export interface Reaction {
  readonly received: Buffer;
  /** Whether the gateway ended the connection; otherwise the client stopped waiting. */
  readonly ended: boolean;
}

/** All bytes at once, with the usual time limit for an answer. */
export const PATIENT: Manner = { pieces: [], pauseMs: 0, lastly: 'wait', patienceMs: 10_000 };

/** A random manner of sending. */
export function anyManner(random: Random): Manner {
  return {
    pieces: Array.from({ length: random.chance(0.5) ? 0 : random.between(1, 6) }, () => random.between(1, 200)),
    pauseMs: random.between(0, 3),
    lastly: random.chance(0.2) ? 'reset' : random.chance(0.4) ? 'half-close' : 'wait',
    patienceMs: random.between(20, 400),
  };
}

/** Sends bytes to the gateway on a new connection. */
export async function send(
  port: number,
  bytes: Buffer,
  { pieces, pauseMs, lastly, patienceMs }: Manner,
): Promise<Reaction> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const chunks: Buffer[] = [];
  const over = Promise.withResolvers<boolean>();
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => over.resolve(true));
  socket.once('end', () => over.resolve(true));
  socket.once('close', () => over.resolve(true));
  const timer = setTimeout(() => over.resolve(false), patienceMs);
  let sent = 0;
  for (const length of pieces) {
    if (sent >= bytes.length || socket.destroyed) break;
    socket.write(bytes.subarray(sent, sent + length));
    sent += length;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  const rest = bytes.subarray(sent);
  if (lastly === 'half-close') socket.end(rest);
  else socket.write(rest, () => lastly === 'reset' && socket.resetAndDestroy());
  const ended = await over.promise;
  clearTimeout(timer);
  socket.destroy();
  return { received: Buffer.concat(chunks), ended };
}
