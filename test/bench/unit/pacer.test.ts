import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { type System, startSystem } from '../system.ts';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

async function startPacer(): Promise<System> {
  const pacer = await startSystem('pacer');
  ends.push(() => pacer.stop());
  return pacer;
}

async function serve(answer: (res: ServerResponse) => void): Promise<string> {
  const server = createServer((_req, res) => answer(res)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  ends.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}/`;
}

describe('the client that asks by the clock', () => {
  it('goes on asking while no request is answered', async () => {
    const waiting: ServerResponse[] = [];
    const url = await serve((res) => {
      waiting.push(res);
      // Nothing is answered before the last request is there: a client that waits for answers never sends it.
      if (waiting.length === 20) for (const each of waiting) each.end();
    });
    const pacer = await startPacer();
    const latencies = await pacer.pace({ kind: 'pace', url, connections: 20, seconds: 1, perSecond: 20 });
    expect(latencies).toHaveLength(20);
    // None ended before the last was due, a twentieth of a second after the one before it: counted from when it was due.
    for (const [index, latency] of latencies.entries()) expect(latency).toBeGreaterThanOrEqual((19 - index) * 50);
  });

  it('ends with another status than 200', async () => {
    const url = await serve((res) => res.writeHead(503).end());
    const pacer = await startPacer();
    await expect(pacer.pace({ kind: 'pace', url, connections: 1, seconds: 1, perSecond: 1 })).rejects.toThrow('503');
  });
});
