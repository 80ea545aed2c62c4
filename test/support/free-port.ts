import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * The ports that are tried. No system gives these to outgoing connections by itself: those begin at 32 768 at the
 * earliest, and one of another program would keep a server that starts again from its port.
 */
const LOWEST = 12_000;
const HIGHEST = 32_767;
/** Ports that are tried before it is given up. */
const MOST_TRIES = 50;

const given = new Set<number>();

/** A loopback port that nobody listens on: for a program that has to be told its port, or for a server that is away. */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < MOST_TRIES; tried += 1) {
    const port = randomInt(LOWEST, HIGHEST + 1);
    if (!given.has(port) && (await isFree(port))) {
      given.add(port);
      return port;
    }
  }
  throw new Error(`none of ${MOST_TRIES} ports between ${LOWEST} and ${HIGHEST} is free`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
