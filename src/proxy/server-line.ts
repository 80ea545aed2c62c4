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

/**
 * How long a connection is used, in milliseconds. Under steady load it would never be idle, and requests would go to the
 * address that the server's name had at the start: after a change of DNS, or beside servers that were added since.
 */
export const LIFETIME_MS = 120_000;
/** Connections that are made together end at so many different times, up to twice {@link LIFETIME_MS}. */
const LIFETIMES = 8;

/** One connection to a server, made anew when it has ended. */
export interface KeptConnection {
  /** `undefined` before the first. */
  socket: Socket | undefined;
  /** When `socket` was connected, in milliseconds that never go back. */
  since: number;
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
  let made = 0;
  const pool = new Pool(origin, {
    connections: upstream.connections,
    factory: () => new OneConnection(origin, connect, LIFETIME_MS * (1 + (made++ % LIFETIMES) / LIFETIMES)),
  });
  return {
    basePath,
    health,
    dispatch(options, handler) {
      pool.dispatch(options, handler);
    },
    dispatchAnew(options, handler) {
      const client = new OneConnection(origin, connect, LIFETIME_MS);
      client.dispatch(options, handler);
      void client.close();
    },
    close: () => pool.close(),
  };
}

/** A client of undici with one connection at a time, which it writes into the tickets of requests. */
class OneConnection extends Client {
  readonly #connection: KeptConnection;
  readonly #lifetimeMs: number;

  constructor(origin: string, connect: Connector, lifetimeMs: number) {
    const connection: KeptConnection = { socket: undefined, since: 0, requests: 0 };
    super(origin, {
      // One request at a time on a connection: an answer can never be taken for another request's.
      pipelining: 1,
      allowH2: false,
      maxHeaderSize: MAX_RESPONSE_HEAD_BYTES,
      connect: (options, callback) =>
        connect(options, (...result) => {
          if (result[0] === null) {
            connection.socket = result[1];
            connection.since = performance.now();
            connection.requests = 0;
          }
          callback(...result);
        }),
    });
    this.#connection = connection;
    this.#lifetimeMs = lifetimeMs;
    this.on('connect', () => {
      if (connection.socket !== undefined) correctParser(connection.socket);
    });
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    if ('ticket' in options && options.ticket instanceof ConnectionTicket) options.ticket.connection = this.#connection;
    // The server is told `Connection: close`, and the connection ends with its answer.
    return super.dispatch(this.#isOld ? { ...options, reset: true } : options, handler);
  }

  get #isOld(): boolean {
    const { socket, since } = this.#connection;
    return socket?.destroyed === false && performance.now() - since > this.#lifetimeMs;
  }
}
