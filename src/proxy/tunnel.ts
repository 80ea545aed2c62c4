import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { createProxyServer, type ProxyServer } from 'http-proxy';
import { notePassed } from '../engine/spent-buffers.ts';
import type { ForwardUpgrade, UpgradeOutcome } from './forward-upgrade.ts';
import type { ServerChoice } from './server-choice.ts';
import { MAX_RESPONSE_HEAD_BYTES } from './server-line.ts';
import { ConnectedAgent, connectionOn, type TunnelLine } from './tunnel-line.ts';
import { answerHeaders, isWebSocketSwitch, upgradeHeaders } from './upgrade-head.ts';
import { ClientGoneError, faultOf, isBreak, UpstreamSilenceError } from './upstream-fault.ts';
import type { RelayOutcome } from './upstream-response.ts';

/** How long a client may stay silent after a plain answer, in milliseconds, before its connection is cut. */
const LINGER_MS = 5_000;

/**
 * One upgrade. The library does the forwarding. Its hooks run before its own listeners: the hooks scrub the heads and
 * join the two sides.
 */
export class Tunnel {
  readonly #servers: ServerChoice<TunnelLine>;
  readonly #socket: Socket;
  readonly #forward: ForwardUpgrade;
  readonly #startBytes: number;
  #request: ClientRequest | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** The server that the request went to. */
  #line: TunnelLine | undefined;
  #answer: IncomingMessage | undefined;
  #upgraded = false;
  #failure: Error | undefined;

  constructor(servers: ServerChoice<TunnelLine>, socket: Socket, forward: ForwardUpgrade) {
    this.#servers = servers;
    this.#socket = socket;
    this.#forward = forward;
    this.#startBytes = socket.bytesWritten;
  }

  async run(req: IncomingMessage, head: Buffer): Promise<UpgradeOutcome> {
    const closed = new Promise((resolve) => this.#socket.once('close', resolve));
    if (!this.#socket.destroyed) {
      this.#socket.once('finish', () => this.#linger());
      this.#timer = setTimeout(() => this.#timeOut(), this.#forward.timeoutMs);
      void this.#start(req, head);
      await closed;
      clearTimeout(this.#timer);
      this.#request?.destroy();
      if (this.#line !== undefined) this.#line.health.busy -= 1;
    }
    return { ...this.#outcome(), status: this.#answer?.statusCode };
  }

  /** Connects, and then hands over to the library. Nothing is sent before there is a connection. */
  async #start(req: IncomingMessage, head: Buffer): Promise<void> {
    try {
      const { line, connection } = await this.#connect();
      // The client has gone meanwhile, or has been answered.
      if (this.#socket.destroyed || this.#failure !== undefined) {
        connection.destroy();
        return;
      }
      this.#line = line;
      line.health.busy += 1;
      const proxy = this.#openProxy(line, connection);
      // Rejects only without an `error` listener; the upgrade is over when the client's socket is closed.
      proxy.ws(this.#outgoing(req, line), this.#socket, {}, head).catch(() => {});
      if (this.#request !== undefined) this.#guardSwitch(this.#request);
    } catch (error) {
      this.#failed(error instanceof Error ? error : new Error(String(error)));
      this.#socket.end();
    }
  }

  /** A connection to the first server that takes one. */
  async #connect(): Promise<{ readonly line: TunnelLine; readonly connection: Socket }> {
    const tried: TunnelLine[] = [];
    let fault: unknown;
    for (;;) {
      const line = this.#failure === undefined ? this.#servers.next(tried) : undefined;
      if (line === undefined) throw fault;
      try {
        return { line, connection: await connectionOn(line) };
      } catch (error) {
        fault = error;
        tried.push(line);
      }
    }
  }

  #timeOut(): void {
    const error = new UpstreamSilenceError(`No answer in ${this.#forward.timeoutMs} ms.`);
    if (this.#request !== undefined) {
      this.#request.destroy(error);
      return;
    }
    this.#failed(error);
    this.#socket.end();
  }

  #openProxy({ origin }: TunnelLine, connection: Socket): ProxyServer {
    const proxy = createProxyServer({
      // The connection has its TLS already, where the server has TLS.
      target: origin.replace('https:', 'http:'),
      // The path is complete and canonical: joining it with anything would forward what was not matched.
      prependPath: false,
      agent: new ConnectedAgent(connection),
    });
    proxy.on('proxyReqWs', (request) => this.#watch(request));
    proxy.on('open', (upstreamSocket) => this.#join(upstreamSocket));
    proxy.on('error', (error) => this.#failed(error));
    return proxy;
  }

  /** The request as the library reads it: the client's, with only the headers and the path that were let through. */
  #outgoing(req: IncomingMessage, line: TunnelLine): IncomingMessage {
    const headers = upgradeHeaders(this.#forward, line);
    return Object.create(req, { headers: { value: headers }, url: { value: line.basePath + this.#forward.path } });
  }

  #watch(request: ClientRequest): void {
    this.#request = request;
    // As long a head as on the way of other requests; the number of its fields is bounded by that.
    Object.assign(request, { maxHeaderSize: MAX_RESPONSE_HEAD_BYTES, maxHeadersCount: 0 });
    request.once('response', (answer) => {
      if (answer.statusCode === 101) {
        this.#refuseSwitch(request);
        return;
      }
      // Before the library's own listener, which destroys the client's connection.
      answer.once('error', (error) => this.#failed(error));
      this.#answered(answer, ['transfer-encoding']);
    });
  }

  /** Lets the library join the two sides only after the switch that was asked for. */
  #guardSwitch(request: ClientRequest): void {
    const joins = request.listeners('upgrade');
    request.removeAllListeners('upgrade');
    request.once('upgrade', (answer, upstreamSocket, head) => {
      if (!isWebSocketSwitch(answer)) {
        upstreamSocket.destroy();
        this.#refuseSwitch(request);
        return;
      }
      this.#upgraded = true;
      this.#forward.onUpgraded?.();
      this.#answered(answer, ['connection', 'upgrade']);
      // The library writes the head without naming an encoding. No other text is written to this connection.
      this.#socket.setDefaultEncoding('latin1');
      for (const join of joins) Reflect.apply(join, request, [answer, upstreamSocket, head]);
    });
  }

  /** A switch to nothing, or to another protocol than was asked for: the client would not understand a byte of it. */
  #refuseSwitch(request: ClientRequest): void {
    this.#failed(new Error('bad upgrade'));
    this.#socket.end();
    request.destroy();
  }

  /** Replaces the answer's headers by those the client may see; `kept` are the ones that the library frames with. */
  #answered(answer: IncomingMessage, kept: readonly string[]): void {
    clearTimeout(this.#timer);
    this.#line?.health.answered();
    this.#answer = answer;
    try {
      answer.headers = answerHeaders(answer, this.#forward, kept);
    } catch (error) {
      answer.headers = {};
      this.#request?.destroy(error instanceof Error ? error : undefined);
    }
  }

  #join(upstreamSocket: Socket): void {
    const client = this.#socket;
    for (const side of [client, upstreamSocket]) side.on('data', ({ length }: Buffer) => notePassed(length));
    // A side that ends closes the other one, after what is on its way has been written.
    client.once('end', () => upstreamSocket.destroySoon());
    client.once('close', () => upstreamSocket.destroy());
    upstreamSocket.once('error', (error) => this.#failed(error));
    upstreamSocket.once('close', () => {
      if (upstreamSocket.readableEnded) client.destroySoon();
      else client.destroy();
    });
  }

  /**
   * After a plain answer nothing reads what the client still sends, so that its departure would go unseen. Closing at
   * once could reset the connection while the answer is still on its way (RFC 9112 §9.6).
   */
  #linger(): void {
    if (this.#upgraded) return;
    this.#socket.setTimeout(LINGER_MS, () => this.#socket.destroy());
    this.#socket.resume();
  }

  #failed(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = this.#socket.destroyed ? new ClientGoneError() : error;
    clearTimeout(this.#timer);
    if (this.#answer !== undefined || this.#socket.destroyed) return;
    if (this.#request !== undefined && isBreak(error)) this.#line?.health.failed();
    this.#forward.refuse(faultOf(error, this.#request === undefined ? 'no' : 'possibly'));
  }

  #outcome(): RelayOutcome {
    const failed = this.#failure !== undefined && !(this.#failure instanceof ClientGoneError);
    if (failed) return { kind: 'upstream_broke' };
    // Either side may close a WebSocket: that is its end. A plain answer is complete when all of it was written.
    const complete = this.#upgraded || (this.#answer?.complete === true && this.#socket.writableFinished);
    if (!complete) return { kind: 'client_gone' };
    return { kind: 'complete', bytes: this.#socket.bytesWritten - this.#startBytes };
  }
}
