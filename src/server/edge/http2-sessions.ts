import http2, { type ServerHttp2Session } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Runtime } from '../../pipeline/runtime.ts';
import { ANSWER_HEAD_BYTES } from './http2-answer.ts';
import { noticeDepartures } from './http2-departures.ts';
import { serveStream } from './http2-stream.ts';
import type { PeerAddress } from './proxy-header.ts';

/** Most concurrent requests on one connection. */
const MOST_STREAMS = 100;
/** A head with too many headers is refused by the gateway with an answer, so that a few more are read. */
const MOST_PAIRS = 300;
/** Bytes that a client may send ahead: of one request, and of all on a connection. */
const STREAM_WINDOW = 256 * 1024;
const SESSION_WINDOW = 1024 * 1024;

/**
 * Resets allowed at once, and per second; above it the connection ends (CVE-2023-44487). Node refuses some streams of
 * many that are begun and reset at once, and ends the connection above a number of those, too. On that of a trusted proxy
 * there are requests of many clients: one that sends and resets must not end what others have paid for.
 */
const RESETS_OF_CLIENT = { streamResetBurst: 200, streamResetRate: 50 };
const RESETS_OF_PROXY = { streamResetBurst: 4000, streamResetRate: 1000, maxSessionRejectedStreams: 4000 };

/** The parts of sessions. */
export interface Http2Deps {
  /** Serves a connection that speaks HTTP/1.1. */
  readonly serveHttp: (socket: Duplex) => void;
  readonly runtime: () => Pick<Runtime, 'plan' | 'trustedPeers'>;
}

/** The HTTP/2 connections of clients. Each request is served as if it had a connection of its own. */
export class Http2Sessions {
  readonly #deps: Http2Deps;
  readonly #open = new Map<ServerHttp2Session, TLSSocket>();
  #leaving = false;

  constructor(deps: Http2Deps) {
    this.#deps = deps;
  }

  /** Serves a connection on which TLS has agreed upon `h2`. */
  open(socket: TLSSocket, peer: PeerAddress): void {
    const { plan, trustedPeers } = this.#deps.runtime();
    const { limits, keepAliveTimeoutMs } = plan;
    const session = http2.performServerHandshake(socket, {
      settings: {
        maxConcurrentStreams: MOST_STREAMS,
        maxHeaderListSize: limits.headerBytes,
        initialWindowSize: STREAM_WINDOW,
        enablePush: false,
        enableConnectProtocol: false,
      },
      maxHeaderListPairs: MOST_PAIRS,
      maxSendHeaderBlockLength: ANSWER_HEAD_BYTES,
      ...(trustedPeers.has(peer.address) ? RESETS_OF_PROXY : RESETS_OF_CLIENT),
    });
    this.#open.set(session, socket);
    session.setLocalWindowSize(SESSION_WINDOW);
    const cut = (): void => cutSession(session, socket);
    whenIdle(session, keepAliveTimeoutMs, cut);
    noticeDepartures({ session, socket, mostBytes: SESSION_WINDOW });
    socket.on('error', cut);
    // The server allows half-open connections, for clients of HTTP/1.1 that upload before they read. A client of HTTP/2
    // that ends its half has left, and Node does not look.
    socket.once('end', cut);
    session.on('error', cut);
    session.on('close', () => {
      this.#open.delete(session);
      socket.destroy();
    });
    session.on('stream', (stream, headers, _flags, rawHeaders) => {
      serveStream({ stream, headers, rawHeaders: rawHeaders as readonly string[] }, peer, this.#deps.serveHttp);
    });
    if (this.#leaving) session.close();
  }

  /** Lets requests under way be answered, and tells clients to go elsewhere. */
  leave(): void {
    this.#leaving = true;
    for (const session of this.#open.keys()) session.close();
  }

  /** Ends all of them at once. */
  cut(): void {
    for (const [session, socket] of this.#open) cutSession(session, socket);
  }
}

/** Ends a session at once. Node would wait until the client has read what was sent. */
function cutSession(session: ServerHttp2Session, socket: TLSSocket): void {
  session.destroy();
  socket.destroy();
}

/** Calls back when a session has had no request for so long, in milliseconds. Other frames do not count. */
function whenIdle(session: ServerHttp2Session, idleMs: number, then: () => void): void {
  let timer = setTimeout(then, idleMs);
  let streams = 0;
  session.on('stream', (stream) => {
    if (stream.destroyed) return;
    clearTimeout(timer);
    streams += 1;
    stream.once('close', () => {
      streams -= 1;
      if (streams === 0 && !session.destroyed) timer = setTimeout(then, idleMs);
    });
  });
  session.on('close', () => clearTimeout(timer));
}
