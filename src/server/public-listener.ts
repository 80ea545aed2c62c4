import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { InFlight } from '../domain/in-flight.ts';
import { createServer } from '../engine/node-http.ts';
import type { Services } from '../pipeline/runtime.ts';
import { serve } from '../pipeline/serve.ts';
import { receivedRequest } from '../proxy/client.ts';
import { answerInsteadOfUpload, linger } from '../proxy/linger.ts';
import { isWebSocketUpgrade } from '../proxy/upgrade.ts';
import { ConnectionGuard } from './connection-guard.ts';
import { Edge } from './edge/edge.ts';
import { PipelinedRequests } from './pipelined-requests.ts';
import { problem, rawAnswer } from './raw-answer.ts';
import { serveUpgrade } from './serve-upgrade.ts';

/** How long a client may take to send its request head, in milliseconds. */
const HEAD_TIMEOUT_MS = 20_000;
/** How often connections that fell idle are closed while draining, in milliseconds. */
const SWEEP_MS = 50;

/** The public HTTP server and its end. */
export interface PublicListener {
  readonly server: Server;
  /** Connections that clients hold now. */
  readonly connections: number;
  /** Whether it is about to go: connections end with their next answer. */
  readonly leaving: boolean;
  /** From now on it is about to go, and takes connections as before. */
  leave(): void;
  /** Resolves when the requests that are being served at the time of the call are over. Costs nothing until then. */
  begunAreOver(): Promise<void>;
  /**
   * Takes no new connections, and resolves when the last request is over. What is still open after `timeoutMs` is cut;
   * `cut` is called then for what is no HTTP connection any more.
   */
  drain(timeoutMs: number, cut: () => void): Promise<void>;
}

/** Creates the public HTTP server; it is not listening yet. */
export function createPublicListener(services: Services): PublicListener {
  return new DrainingListener(services);
}

/** A request that is being served. */
interface Serving {
  readonly served: Promise<void>;
  /** `undefined` for what is no HTTP any more. */
  readonly res: ServerResponse | undefined;
}

class DrainingListener implements PublicListener {
  readonly server: Server;
  readonly #services: Services;
  /** Requests being served. Their story may go on when their connection is gone: a settlement is waited for. */
  readonly #serving = new InFlight<Serving>();
  readonly #guard: ConnectionGuard;
  readonly #edge: Edge;
  readonly #pipelined = new PipelinedRequests();
  #leaving = false;

  constructor(services: Services) {
    this.#services = services;
    this.#guard = new ConnectionGuard(services.runtime);
    const { limits, keepAliveTimeoutMs } = services.runtime().plan;
    this.server = createServer({
      maxHeaderSize: limits.headerBytes,
      headersTimeout: HEAD_TIMEOUT_MS,
      keepAliveTimeout: keepAliveTimeoutMs,
      // An upload may take as long as it flows; a bound on the whole request would cut honest slow clients off.
      requestTimeout: 0,
      noDelay: true,
      insecureHTTPParser: false,
      // Other upgrades are ignored, body and all; a Node that does not know the option gives them to `upgrade`.
      shouldUpgradeCallback: isWebSocketUpgrade,
    });
    // Node would drop the headers above its count in silence; they are counted, and refused, when the request is accepted.
    this.server.maxHeadersCount = 0;
    this.#edge = new Edge({ server: this.server, guard: this.#guard, runtime: services.runtime });
    this.#listen();
  }

  get leaving(): boolean {
    return this.#leaving;
  }

  leave(): void {
    this.#leaving = true;
    // Their requests came before; the answers that have no head yet are the last ones of their connections.
    for (const { res } of this.#serving.values) if (res?.headersSent === false) res.shouldKeepAlive = false;
  }

  async begunAreOver(): Promise<void> {
    await this.#allServed();
  }

  get connections(): number {
    return this.#guard.open;
  }

  async drain(timeoutMs: number, cut: () => void): Promise<void> {
    this.leave();
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    // Connections whose answer was begun before fall idle only now and then.
    const sweep = setInterval(() => this.server.closeIdleConnections(), SWEEP_MS);
    const timer = setTimeout(() => {
      this.server.closeAllConnections();
      this.#edge.cut();
      cut();
    }, timeoutMs);
    this.server.closeIdleConnections();
    this.#edge.leave();
    await closed;
    clearInterval(sweep);
    clearTimeout(timer);
    await this.#allServed();
  }

  async #allServed(): Promise<void> {
    await Promise.all(this.#serving.values.map(({ served }) => served));
  }

  #listen(): void {
    const onRequest = (req: IncomingMessage, res: ServerResponse): void => {
      // Behind the last answer, on a connection whose upload was still read.
      if (req.socket.writableEnded) req.resume();
      else if (res.socket === null) this.#pipelined.inTurn(req, res, () => this.#serve(req, res));
      else this.#serve(req, res);
    };
    this.server.on('request', onRequest);
    // The body is asked for when an upstream wants it: an unpaid request gets its 402 instead of a 100.
    this.server.on('checkContinue', onRequest);
    this.server.on('checkExpectation', (req: IncomingMessage, res: ServerResponse) => {
      answerInsteadOfUpload(req, res);
      const headers = { 'Content-Type': 'application/problem+json', 'Cache-Control': 'no-store', Connection: 'close' };
      res.writeHead(417, headers).end(problem('expectation_failed'));
    });
    this.server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => {
      // Behind a request that is still being answered: its answer and the tunnel would be written into each other.
      if (isSocket(socket) && !isAnswering(socket) && !socket.writableEnded)
        this.#track(serveUpgrade(req, socket, head, this.#services));
      else socket.destroy();
    });
    this.server.on('connect', (_req: IncomingMessage, socket: Duplex) => refuseTunnel(socket));
    this.server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => answerUnreadable(error, socket));
  }

  #serve(req: IncomingMessage, res: ServerResponse): void {
    // The last answer on this connection: one more request on it would not be heard, or soon would not.
    if (this.#leaving) res.shouldKeepAlive = false;
    this.#track(serve(receivedRequest(req, res), this.#services), res);
  }

  #track(served: Promise<void>, res?: ServerResponse): void {
    const entry = this.#serving.add({ served, res });
    void served.then(() => this.#serving.remove(entry));
  }
}

/**
 * Node lets go of a socket that asks for CONNECT: an error on it that nobody hears would end the process, and nobody else
 * closes it, so that a client could keep it, and a shutdown waiting for it, for as long as it likes.
 */
function refuseTunnel(socket: Duplex): void {
  socket.on('error', () => socket.destroy());
  socket.end(rawAnswer('Method Not Allowed', 'method_not_allowed'));
  socket.resume();
  linger(socket);
}

/** What cannot be parsed gets an answer without a request to answer: the parser's verdict, then the end. */
function answerUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  // What still comes behind such an answer is dropped, until its client has read it.
  if (error.code !== 'ECONNRESET' && socket.writableEnded && !socket.destroyed) return;
  // While another request is being answered, ours would be read as a part of its answer.
  if (error.code === 'ECONNRESET' || !socket.writable || isAnswering(socket)) {
    socket.destroy();
    return;
  }
  linger(socket);
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      socket.end(rawAnswer('Request Header Fields Too Large', 'request_head_too_large'));
      return;
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      socket.end(rawAnswer('Request Timeout', 'request_timeout'));
      return;
    default:
      socket.end(rawAnswer('Bad Request', 'request_malformed'));
  }
}

/** Node keeps the response under way on its socket; it is the only place that knows of it. */
function isAnswering(socket: Duplex): boolean {
  return '_httpMessage' in socket && socket._httpMessage !== null && socket._httpMessage !== undefined;
}

function isSocket(socket: Duplex): socket is Socket {
  return 'remoteAddress' in socket;
}
