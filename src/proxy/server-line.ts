import type { Socket } from 'node:net';
import type { Dispatcher } from 'undici';
import Client from 'undici/lib/dispatcher/client.js';
import Pool from 'undici/lib/dispatcher/pool.js';
import type { Upstream, UpstreamServer } from '../domain/upstream.ts';
import { correctParser } from './answer-parser.ts';
import { withLateEnd } from './late-end.ts';
import type { ServerHealth } from './server-health.ts';
import { type Connector, connectorTo } from './upstream-connector.ts';

/** Longest head of an upstream's response, in bytes. APIs with many cookies pass Node's 16 KiB. */
export const MAX_RESPONSE_HEAD_BYTES = 64 * 1024;

/** One connection to a server, made anew when it has ended. */
export interface KeptConnection {
  /** `undefined` before the first. */
  socket: Socket | undefined;
  /** Requests that were written on `socket`. */
  requests: number;
}

/** Dispatched with a request, which learns from it the connection that it is sent on. */
export class ConnectionTicket {
  connection: KeptConnection | undefined;
}

/** Options of a request with its ticket. */
export type TicketedOptions = Dispatcher.DispatchOptions & { readonly ticket: ConnectionTicket };

/** The way to one server of an upstream. */
export interface ServerLine {
  readonly basePath: string;
  readonly health: ServerHealth;
  /** Sends a request on a connection of the pool. */
  dispatch(options: TicketedOptions, handler: Dispatcher.DispatchHandler): void;
  /** Sends a request on a connection that is made for it, and closed after it. */
  dispatchAnew(options: TicketedOptions, handler: Dispatcher.DispatchHandler): void;
  close(): Promise<void>;
}

/** Opens the way to a server: no connection is made before the first request. */
export function openServerLine(upstream: Upstream, server: UpstreamServer, health: ServerHealth): ServerLine {
  const { origin, basePath } = server;
  const connect = withLateEnd(connectorTo(upstream, server, health));
  const pool = new Pool(origin, {
    connections: upstream.connections,
    factory: () => new OneConnection(origin, connect),
  });
  return {
    basePath,
    health,
    dispatch(options, handler) {
      pool.dispatch(options, handler);
    },
    dispatchAnew(options, handler) {
      const client = new OneConnection(origin, connect);
      client.dispatch(options, handler);
      void client.close();
    },
    close: () => pool.close(),
  };
}

/** A client of undici with one connection at a time, which it writes into the tickets of requests. */
class OneConnection extends Client {
  readonly #connection: KeptConnection;

  constructor(origin: string, connect: Connector) {
    const connection: KeptConnection = { socket: undefined, requests: 0 };
    super(origin, {
      // One request at a time on a connection: an answer can never be taken for another request's.
      pipelining: 1,
      allowH2: false,
      maxHeaderSize: MAX_RESPONSE_HEAD_BYTES,
      connect: (options, callback) =>
        connect(options, (...result) => {
          if (result[0] === null) {
            connection.socket = result[1];
            connection.requests = 0;
          }
          callback(...result);
        }),
    });
    this.#connection = connection;
    this.on('connect', () => {
      if (connection.socket !== undefined) correctParser(connection.socket);
    });
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    if ('ticket' in options && options.ticket instanceof ConnectionTicket) options.ticket.connection = this.#connection;
    return super.dispatch(options, handler);
  }
}
