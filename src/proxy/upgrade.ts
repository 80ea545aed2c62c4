import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { serverName, type Upstream } from '../domain/upstream.ts';
import type { ForwardUpgrade, UpgradeOutcome } from './forward-upgrade.ts';
import { ServerChoice } from './server-choice.ts';
import type { HealthBook } from './server-health.ts';
import { connectorTo } from './upstream-connector.ts';

/** Forwards WebSocket upgrades to the servers of one upstream. */
export interface UpgradeProxy {
  /**
   * Sends the upgrade and resolves when the connection is over. Frames flow only after the upstream's own 101; any
   * other answer is relayed as the plain response it is and ends the connection. Never rejects.
   *
   * `complete` counts the bytes that were written to the client after the request, head included.
   */
  upgrade(req: IncomingMessage, socket: Socket, head: Buffer, forward: ForwardUpgrade): Promise<UpgradeOutcome>;
  /** Cuts the connections that are open. */
  close(): Promise<void>;
}

/** Whether a request asks for what {@link UpgradeProxy} forwards: `websocket` alone, by `GET` and without a body. */
export function isWebSocketUpgrade(req: IncomingMessage): boolean {
  const { upgrade, 'transfer-encoding': coding, 'content-length': length } = req.headers;
  if (req.method !== 'GET' || upgrade?.toLowerCase() !== 'websocket') return false;
  // Bytes after the head would be read as frames by one side and as a body by the other.
  return coding === undefined && (length === undefined || Number(length) === 0);
}

/** Opens the way for upgrades to an upstream. Every upgrade has a connection of its own. */
export function openUpgradeProxy(upstream: Upstream, book: HealthBook): UpgradeProxy {
  const servers = new ServerChoice(
    upstream.servers.map((server) => {
      const { origin, basePath } = server;
      const health = book.of(serverName(server));
      return { origin, basePath, health, connect: connectorTo(upstream, server, health) };
    }),
  );
  const open = new Set<Socket>();
  return {
    async upgrade(req, socket, head, forward) {
      open.add(socket);
      try {
        // Loaded with the first upgrade, which most gateways never see.
        const { Tunnel } = await import('./tunnel.ts');
        return await new Tunnel(servers, socket, forward).run(req, head);
      } finally {
        open.delete(socket);
      }
    },
    async close() {
      const closed = [...open].map((socket) => new Promise((resolve) => socket.once('close', resolve).destroy()));
      await Promise.all(closed);
    },
  };
}
