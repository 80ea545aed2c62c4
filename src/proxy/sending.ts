import type { Dispatcher } from 'undici';
import type { Upload } from './request-body.ts';
import type { ServerChoice } from './server-choice.ts';
import { ConnectionTicket, type ServerLine } from './server-line.ts';
import { isBreak, isConnectFault, type Reached } from './upstream-fault.ts';
import type { ForwardRequest } from './upstream-response.ts';

const NONE: readonly ServerLine[] = [];

/** Methods whose requests mean the same when they arrive twice (RFC 9110 §9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/**
 * A request on its way to the servers of an upstream.
 *
 * Where no connection to a server came about, it is sent to another server. A server may close a kept connection while
 * a request is being written on it. An idempotent request without a body, for which no byte came back, is then sent
 * once more, on a new connection (RFC 9112 §9.3.1). Nothing else is ever sent twice.
 */
export class Sending {
  readonly #request: Pick<ForwardRequest, 'method' | 'path' | 'headers' | 'connection'>;
  readonly #servers: ServerChoice<ServerLine>;
  readonly #body: Upload | undefined;
  readonly #handler: Dispatcher.DispatchHandler;
  readonly #ticket = new ConnectionTicket();
  /** The server that handles it now; `undefined` before and after. */
  #line: ServerLine | undefined;
  /** Servers to which there was no connection. */
  #tried: readonly ServerLine[] = NONE;
  /** Whether this try has begun to be written, and whether any has. */
  #isBegun = false;
  #wasBegun = false;
  #isRepeated = false;
  /** Whether this try is on a connection that had served requests, and how many bytes had arrived on it by then. */
  #isOnKept = false;
  #bytesBefore = 0;

  constructor(
    request: Pick<ForwardRequest, 'method' | 'path' | 'headers' | 'connection'>,
    body: Upload | undefined,
    servers: ServerChoice<ServerLine>,
    handler: Dispatcher.DispatchHandler,
  ) {
    this.#request = request;
    this.#body = body;
    this.#servers = servers;
    this.#handler = handler;
  }

  /** Whether a server may have seen the request. */
  get reached(): Reached {
    return this.#wasBegun ? 'possibly' : 'no';
  }

  /** Sends the request to the first server. */
  start(): void {
    const line = this.#servers.next();
    if (line === undefined) throw new Error('an upstream without servers');
    this.#send(line);
  }

  /** The request begins to be written. */
  begun(): void {
    this.#isBegun = true;
    this.#wasBegun = true;
    const { connection } = this.#ticket;
    if (connection === undefined) return;
    this.#isOnKept = connection.requests > 0;
    this.#bytesBefore = connection.socket?.bytesRead ?? 0;
    connection.requests += 1;
  }

  /** The head of a response has arrived. */
  answered(): void {
    this.#line?.health.answered();
  }

  /** Sends the request again after a fault before any response, where that does no harm; `false` where it is over. */
  again(fault: Error): boolean {
    if (!this.#isBegun) return isConnectFault(fault) && this.#goElsewhere();
    if (!isBreak(fault)) return false;
    if (this.#mayRepeat()) return this.#repeat();
    this.#line?.health.failed();
    return false;
  }

  /** No server handles it any more. */
  leave(): void {
    if (this.#line !== undefined) this.#line.health.busy -= 1;
    this.#line = undefined;
  }

  #send(line: ServerLine, connection = this.#request.connection ?? 'kept'): void {
    const { method, path, headers } = this.#request;
    this.#line = line;
    this.#isBegun = false;
    line.health.busy += 1;
    // undici's own timers are coarse (half a second) and do not see the queue: the exchange keeps its own.
    // A body may be silent for as long as it likes: server-sent events are. Dead peers are found by TCP keep-alive.
    const options = {
      method,
      path: line.basePath + path,
      headers,
      body: this.#body ?? null,
      headersTimeout: 0,
      bodyTimeout: 0,
      ticket: this.#ticket,
    };
    // After HEAD undici ends the connection, for a good reason: a body that an API sends in error, a little late, would
    // be read as the answer to another request.
    if (connection === 'kept') line.dispatch(options, this.#handler);
    else line.dispatchAnew(options, this.#handler);
  }

  /** There was no connection: nothing was sent and nothing of the body was read, so that another server can take it. */
  #goElsewhere(): boolean {
    if (this.#line !== undefined) this.#tried = [...this.#tried, this.#line];
    const next = this.#servers.next(this.#tried);
    if (next === undefined) return false;
    this.leave();
    this.#send(next);
    return true;
  }

  #mayRepeat(): boolean {
    if (this.#isRepeated || !this.#isOnKept || this.#body !== undefined) return false;
    return IDEMPOTENT.has(this.#request.method) && this.#ticket.connection?.socket?.bytesRead === this.#bytesBefore;
  }

  #repeat(): boolean {
    const line = this.#line;
    if (line === undefined) return false;
    this.#isRepeated = true;
    this.leave();
    this.#send(line, 'new');
    return true;
  }
}
