import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { InFlight } from '../domain/in-flight.ts';
import { createServer } from '../engine/node-http.ts';
import type { Logger } from '../observe/log.ts';
import type { Door } from '../pipeline/door.ts';
import type { Services } from '../pipeline/runtime.ts';
import { serve } from '../pipeline/serve.ts';
import { receivedRequest } from '../proxy/client.ts';
import type { ClientDeparture } from '../proxy/client-departure.ts';
import { answerInsteadOfUpload, linger } from '../proxy/linger.ts';
import { isWebSocketUpgrade } from '../proxy/upgrade.ts';
import { ConnectionGuard } from './connection-guard.ts';
import { Edge } from './edge/edge.ts';
import { withoutUpgrade } from './ignored-upgrade.ts';
import { answerOn, PipelinedRequests } from './pipelined-requests.ts';
import { problem, rawAnswer } from './raw-answer.ts';
import { serveUpgrade } from './serve-upgrade.ts';
import { UnknownProxies } from './unknown-proxies.ts';

/** How long a client may take to send its request head, in milliseconds. */
const HEAD_TIMEOUT_MS = 20_000;
/**
 * How long a connection may be without a byte before the system asks whether its client is still there, in milliseconds.
 * Without the question nothing tells of a client that has lost its network: the silent event stream that it listened to
 * would hold a connection to the API for ever.
 */
const PROBE_MS = 60_000;
/** How often idle connections are closed while draining, in milliseconds. */
const SWEEP_MS = 50;
/** How long a new connection may be silent while draining, in milliseconds: its first request may be on its way. */
const SILENT_MS = 2000;

/** The public HTTP server and its shutdown. */
export interface PublicListener {
  readonly server: Server;
  /** Connections that are open now. */
  readonly connections: number;
  /** Whether it is about to stop: connections end with their next answer. */
  readonly leaving: boolean;
  /** Announces the stop; connections are still accepted. */
  leave(): void;
  /** Resolves when the requests that are being served now are over. Costs nothing until it is called. */
  begunAreOver(): Promise<void>;
  /**
   * Accepts no new connections, and resolves when the last request is over. What is open after `timeoutMs` is cut;
   * `cut` is called then for upgraded connections, with the number of requests that are cut.
   */
  drain(timeoutMs: number, cut: (requests: number) => void): Promise<void>;
}

/**
 * Creates the public HTTP server; it is not listening yet.
 *
 * @param door serves its requests; `undefined` where they are forwarded to an API
 */
export function createPublicListener(services: Services, door: Door | undefined, log: Logger): PublicListener {
  return new DrainingListener(services, door, new UnknownProxies(log));
}

/** A request that is being served. */
interface Serving {
  readonly served: Promise<void>;
  /** `undefined` for a connection that no longer speaks HTTP. */
  readonly res: ServerResponse | undefined;
  readonly departure: Pick<ClientDeparture, 'noteCut'>;
}

class DrainingListener implements PublicListener {
  readonly server: Server;
  readonly #services: Services;
  readonly #door: Door | undefined;
  readonly #unknown: UnknownProxies;
  /** Requests being served. They may go on after their connection is gone: a settlement is waited for. */
  readonly #serving = new InFlight<Serving>();
  readonly #guard: ConnectionGuard;
  readonly #edge: Edge;
  readonly #pipelined = new PipelinedRequests();
  /** Node's reader of requests. */
  readonly #read: (socket: Socket) => void;
  #leaving = false;

  constructor(services: Services, door: Door | undefined, unknown: UnknownProxies) {
    this.#services = services;
    this.#door = door;
    this.#unknown = unknown;
    this.#guard = new ConnectionGuard(services.runtime);
    const { limits, keepAliveTimeoutMs } = services.runtime().plan;
    this.server = createServer({
      maxHeaderSize: limits.headerBytes,
      headersTimeout: HEAD_TIMEOUT_MS,
      keepAliveTimeout: keepAliveTimeoutMs,
      // No bound on the whole request: an upload may take as long as it flows, and honest slow clients must not be cut
      // off.
      requestTimeout: 0,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: PROBE_MS,
      insecureHTTPParser: false,
      // Behind an answer under way nobody can upgrade: the connection ends after it. A Node without this option emits
      // `upgrade` then.
      shouldUpgradeCallback: ({ socket }) => !this.#pipelined.endAfterAnswers(socket),
    });
    // Node would silently drop headers above its count; they are counted, and refused, when the request is accepted.
    this.server.maxHeadersCount = 0;
    const readers = this.server.listeners('connection');
    this.#read = (socket) => {
      for (const read of readers) Reflect.apply(read, this.server, [socket]);
    };
    this.#edge = new Edge({ server: this.server, guard: this.#guard, runtime: services.runtime });
    this.#listen();
  }

  get leaving(): boolean {
    return this.#leaving;
  }

  leave(): void {
    this.#leaving = true;
    // These requests came before the stop; answers without a head yet are the last ones of their connections.
    for (const { res } of this.#serving.values) if (res?.headersSent === false) res.shouldKeepAlive = false;
  }

  async begunAreOver(): Promise<void> {
    await this.#allServed();
  }

  get connections(): number {
    return this.#guard.open;
  }

  async drain(timeoutMs: number, cut: (requests: number) => void): Promise<void> {
    this.leave();
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    // Connections whose answer began before the stop fall idle at any time.
    const sweep = setInterval(() => {
      this.server.closeIdleConnections();
      this.#edge.cutSilent(SILENT_MS);
    }, SWEEP_MS);
    const timer = setTimeout(() => {
      const requests = this.#serving.values.length;
      for (const { departure } of this.#serving.values) departure.noteCut();
      this.server.closeAllConnections();
      this.#edge.cut();
      cut(requests);
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
      // After the last answer, on a connection whose upload is still read.
      if (req.socket.writableEnded) req.resume();
      else if (res.socket === null) this.#pipelined.inTurn(req, res, () => this.#serve(req, res));
      else this.#serve(req, res);
    };
    this.server.on('request', onRequest);
    // 100 Continue is sent when an upstream wants the body: an unpaid request gets its 402 instead.
    this.server.on('checkContinue', onRequest);
    this.server.on('checkExpectation', (req: IncomingMessage, res: ServerResponse) => {
      answerInsteadOfUpload(req, res);
      const headers = { 'Content-Type': 'application/problem+json', 'Cache-Control': 'no-store', Connection: 'close' };
      res.writeHead(417, headers).end(problem('expectation_failed'));
    });
    this.server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => this.#upgrade(req, socket, head));
    this.server.on('connect', (_req: IncomingMessage, socket: Duplex) => refuseTunnel(socket));
    this.server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) =>
      answerUnreadable(error, socket, this.#pipelined),
    );
  }

  #upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Another request is still being answered: its answer and the tunnel would be mixed.
    if (!isSocket(socket) || answerOn(socket) !== undefined || socket.writableEnded) {
      socket.destroy();
      return;
    }
    if (this.#door === undefined && isWebSocketUpgrade(req)) {
      this.#track({ ...serveUpgrade(req, socket, head, this.#services), res: undefined });
      return;
    }
    socket.unshift(withoutUpgrade(req, head));
    this.#read(socket);
  }

  #serve(req: IncomingMessage, res: ServerResponse): void {
    // The last answer on this connection: a later request on it would not be served.
    if (this.#leaving) res.shouldKeepAlive = false;
    this.#unknown.look(req, this.#services.runtime().trustedPeers);
    const received = receivedRequest(req, res);
    const served = this.#door?.serve(received, this.#services) ?? serve(received, this.#services);
    this.#track({ served, res, departure: received.client.departure });
  }

  #track(serving: Serving): void {
    const entry = this.#serving.add(serving);
    void serving.served.then(() => this.#serving.remove(entry));
  }
}

/**
 * Node no longer handles a socket that asks for CONNECT. An unhandled error on it would end the process. Without an end
 * here, a client could keep it open, and block a shutdown, without limit.
 */
function refuseTunnel(socket: Duplex): void {
  socket.on('error', () => socket.destroy());
  socket.end(rawAnswer('Method Not Allowed', 'method_not_allowed'));
  socket.resume();
  linger(socket);
}

/** Answers bytes that cannot be parsed, for which there is no request object: the parser's error, then the end. */
function answerUnreadable(error: NodeJS.ErrnoException, socket: Duplex, pipelined: PipelinedRequests): void {
  // What still arrives after such an answer is dropped, until the client has read the answer.
  if (error.code !== 'ECONNRESET' && socket.writableEnded && !socket.destroyed) return;
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  // While another request is being answered, ours would be read as a part of its answer.
  if (answerOn(socket) !== undefined) {
    const mayEnd = isSocket(socket) && !socket.readableEnded;
    if (!mayEnd || !pipelined.endAfterAnswers(socket)) socket.destroy();
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

function isSocket(socket: Duplex): socket is Socket {
  return 'remoteAddress' in socket;
}
