import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Upstream } from '../../src/domain/upstream.ts';
import type { CallPlace } from '../../src/proxy/call-room.ts';
import { RawPeer } from './raw-http.ts';

/** An upstream under a test's control. */
export interface TestUpstream {
  readonly upstream: Upstream;
  readonly port: number;
  /** How many connections have been made to it. */
  readonly connections: () => number;
  close(): Promise<void>;
}

/** Opens an upstream that answers in bytes: `serve` gets every connection and does what it likes with it. */
export async function openOddUpstream(serve: (peer: RawPeer) => Promise<void> | void): Promise<TestUpstream> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    // A test that is over cuts its connections; a script that still waits on one has nobody to tell.
    Promise.resolve(serve(new RawPeer(socket))).catch(() => socket.destroy());
  });
  return listen(server);
}

/** Opens an upstream that is a Node HTTP server. */
export async function openHttpUpstream(listener: RequestListener): Promise<TestUpstream> {
  return listen(createHttpServer(listener));
}

/** The place of a call that is not counted. */
export const UNCOUNTED: CallPlace = { release() {} };

/** An upstream's configuration for a port on loopback. */
export function upstreamAt(port: number, changes: Partial<Upstream> = {}): Upstream {
  return {
    servers: [{ origin: `http://127.0.0.1:${port}`, basePath: '' }],
    headers: [],
    connectTimeoutMs: 10_000,
    timeoutMs: 10_000,
    idleTimeoutMs: undefined,
    totalTimeoutMs: undefined,
    connections: 16,
    paidConnections: 0,
    tls: undefined,
    ...changes,
  };
}

async function listen(server: Server): Promise<TestUpstream> {
  const open = new Set<Socket>();
  let count = 0;
  server.on('connection', (socket: Socket) => {
    count++;
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    upstream: upstreamAt(port),
    port,
    connections: () => count,
    async close() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
