import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Runtime } from '../../pipeline/runtime.ts';
import { UNIX_PEER } from '../../proxy/trusted-peers.ts';
import type { ConnectionGuard } from '../connection-guard.ts';
import type { Http2Sessions } from './http2-sessions.ts';
import { fixPeer } from './peer.ts';
import type { PeerAddress } from './proxy-header.ts';
import { takeProxyHeader } from './proxy-protocol.ts';
import { secure } from './tls-handshake.ts';

/** The parts of the edge. */
export interface EdgeDeps {
  readonly server: Server;
  readonly guard: ConnectionGuard;
  readonly runtime: () => Pick<Runtime, 'plan' | 'trustedPeers'>;
}

/**
 * Handles a connection before HTTP: its client (unix socket, PROXY protocol), the room for it, TLS, and its version of
 * HTTP. The plan in force at the connection's beginning applies.
 */
export class Edge {
  readonly #deps: EdgeDeps;
  readonly #serveHttp: (socket: Duplex) => void;
  /** Connections that do not speak HTTP yet, and when they began. */
  readonly #begun = new Map<Socket, number>();
  /** Connections that speak HTTP/1. */
  readonly #speaking = new Map<Socket, Beginning>();
  #http2: Promise<Http2Sessions> | undefined;

  constructor(deps: EdgeDeps) {
    const { server } = deps;
    this.#deps = deps;
    // Node's own HTTP/1 reader, moved from the first listener to the last step.
    const readers = server.listeners('connection');
    server.removeAllListeners('connection');
    this.#serveHttp = (socket) => {
      for (const read of readers) Reflect.apply(read, server, [socket]);
    };
    server.on('connection', (socket: Socket) => this.#accept(socket));
  }

  /** Answers what is under way on HTTP/2 and accepts nothing new there. */
  leave(): void {
    void this.#http2?.then((sessions) => sessions.leave());
  }

  /**
   * Ends connections on which no request has begun for `ms` milliseconds. Browsers and load balancers open connections
   * ahead, and Node does not count them as idle.
   */
  cutSilent(ms: number): void {
    const before = performance.now() - ms;
    for (const [socket, since] of this.#begun) if (since <= before) socket.destroy();
    for (const [socket, { since, bytes }] of this.#speaking)
      if (since <= before && socket.bytesRead === bytes) socket.destroy();
  }

  /** Ends at once the connections that the HTTP server does not know. */
  cut(): void {
    for (const socket of this.#begun.keys()) socket.destroy();
    void this.#http2?.then((sessions) => sessions.cut());
  }

  #accept(socket: Socket): void {
    const { plan, trustedPeers } = this.#deps.runtime();
    if (plan.listen.kind === 'unix') fixPeer(socket, { address: UNIX_PEER, port: 0 });
    if (!plan.proxyProtocol || !trustedPeers.has(socket.remoteAddress)) {
      this.#admit(socket);
      return;
    }
    // Counted from its beginning: silent connections take file descriptors, too.
    if (!this.#deps.guard.count(socket)) return;
    hold(socket, this.#begun, performance.now());
    takeProxyHeader(socket, (source) => {
      this.#begun.delete(socket);
      if (source !== undefined) fixPeer(socket, source);
      if (this.#deps.guard.countOfAddress(socket, plan.tls === undefined)) this.#speak(socket, source);
    });
  }

  #admit(socket: Socket): void {
    const { guard, runtime } = this.#deps;
    const answer = runtime().plan.tls === undefined;
    if (guard.count(socket) && guard.countOfAddress(socket, answer)) this.#speak(socket, undefined);
  }

  #speak(socket: Socket, source: PeerAddress | undefined): void {
    const { tls } = this.#deps.runtime().plan;
    if (tls === undefined) {
      hold(socket, this.#speaking, beginningOf(socket));
      this.#serveHttp(socket);
      socket.resume();
      return;
    }
    const peer = source ?? { address: socket.remoteAddress ?? 'unknown', port: socket.remotePort ?? 0 };
    hold(socket, this.#begun, performance.now());
    secure(socket, tls, (secured) => {
      this.#begun.delete(socket);
      fixPeer(secured, peer);
      if (secured.alpnProtocol === 'h2') {
        void this.#speakHttp2(secured, peer);
        return;
      }
      hold(secured, this.#speaking, beginningOf(secured));
      this.#serveHttp(secured);
    });
  }

  async #speakHttp2(socket: TLSSocket, peer: PeerAddress): Promise<void> {
    const cut = (): void => void socket.destroy();
    socket.on('error', cut).on('end', cut);
    // Loaded with the first such connection, which most gateways never see.
    this.#http2 ??= import('./http2-sessions.ts').then(
      ({ Http2Sessions: Sessions }) => new Sessions({ serveHttp: this.#serveHttp, runtime: this.#deps.runtime }),
    );
    const sessions = await this.#http2;
    socket.off('error', cut).off('end', cut);
    if (!socket.destroyed) sessions.open(socket, peer);
  }
}

/** When a connection began to speak HTTP, and how many bytes of it were before that. */
interface Beginning {
  readonly since: number;
  readonly bytes: number;
}

/** What followed the header of a proxy in one packet is a request already, and waits in the socket. */
function beginningOf(socket: Socket): Beginning {
  return { since: performance.now(), bytes: socket.bytesRead - socket.readableLength };
}

/** Notes something of a connection until its end. */
function hold<Note>(socket: Socket, held: Map<Socket, Note>, note: Note): void {
  held.set(socket, note);
  socket.once('close', () => held.delete(socket));
}
