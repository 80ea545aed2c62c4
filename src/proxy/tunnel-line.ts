import type { Socket } from 'node:net';
import { Agent } from '../engine/node-http.ts';
import type { ServerHealth } from './server-health.ts';
import type { Connector } from './upstream-connector.ts';

/** The way to one server. */
export interface TunnelLine {
  readonly origin: string;
  readonly basePath: string;
  readonly health: ServerHealth;
  readonly connect: Connector;
}

/**
 * Opens a connection to a server. Nothing is sent on it.
 *
 * @throws Error what the connector says when there is none
 */
export function connectionOn({ origin, connect }: TunnelLine): Promise<Socket> {
  const { protocol, host, hostname, port } = new URL(origin);
  return new Promise((resolve, reject) => {
    // Without brackets, as undici gives an IPv6 address to its own connections.
    connect({ protocol, host, hostname: hostname.replace(/^\[|\]$/g, ''), port }, (error, socket) => {
      if (error === null) resolve(socket);
      else reject(error);
    });
  });
}

/** An open connection, for the library to send its one request on. */
export class ConnectedAgent extends Agent {
  readonly #connection: Socket;

  constructor(connection: Socket) {
    super();
    this.#connection = connection;
  }

  override createConnection(): Socket {
    return this.#connection;
  }
}
