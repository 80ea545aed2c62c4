import type { ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import { GatewayError } from '../domain/gateway-error.ts';
import { notePassed } from '../engine/spent-buffers.ts';
import { BodyAhead } from './body-ahead.ts';
import type { PaymentFields } from './headers/payment-fields.ts';
import { relayTrailers } from './headers/to-client.ts';
import { relayInformational } from './informational.ts';
import type { Passage } from './passage.ts';
import type { Upload } from './request-body.ts';
import type { ServerChoice } from './server-choice.ts';
import type { ServerHealth } from './server-health.ts';
import { StreamLimits, type Timed } from './stream-limits.ts';
import {
  BodyRefusedError,
  ClientGoneError,
  faultOf,
  isBreak,
  isConnectFault,
  UpstreamSilenceError,
} from './upstream-fault.ts';
import type { BodyRoom, Collected, ForwardRequest, RelayOutcome, UpstreamResponse } from './upstream-response.ts';
import { decodeHead, decodeReason } from './wire-head.ts';

/**
 * How long a client may let an exchange wait without a byte of progress, in milliseconds. It holds a connection to the
 * upstream meanwhile, of which there are only so many: without a bound, a few clients that stop in the middle of an
 * upload or of an answer would keep everybody else out.
 */
export const CLIENT_STALL_MS = 60_000;

/** The way to one server of an upstream. */
export interface ServerLine {
  readonly basePath: string;
  readonly dispatcher: Dispatcher;
  readonly health: ServerHealth;
}

/** What all exchanges with an upstream have in common. */
export interface ExchangeTerms {
  readonly servers: ServerChoice<ServerLine>;
  readonly idleTimeoutMs: number | undefined;
  readonly totalTimeoutMs: number | undefined;
  /** What the payment protocols use. */
  readonly fields: PaymentFields;
}

const NONE: readonly ServerLine[] = [];

/** Longest body that is copied to travel in one piece with its head, in bytes. */
const MOST_IN_ONE_PIECE = 16 * 1024;

type State = 'waiting' | 'held' | 'collecting' | 'relaying' | 'done';

/** One request to the upstream and its response: undici's handler and the pipeline's {@link UpstreamResponse} in one. */
export class Exchange implements Dispatcher.DispatchHandler, UpstreamResponse, Timed {
  status = 0;
  statusText = '';
  rawHeaders: string[] = [];

  readonly #request: ForwardRequest;
  readonly #servers: ServerChoice<ServerLine>;
  readonly #fields: PaymentFields;
  readonly #limits: StreamLimits | undefined;
  readonly #upload: Upload | undefined;
  readonly #opened = Promise.withResolvers<UpstreamResponse>();
  readonly #timer: NodeJS.Timeout;
  #state: State = 'waiting';
  /** The server that works on it; `undefined` before and after. */
  #line: ServerLine | undefined;
  /** Servers to which there was no connection. */
  #tried: readonly ServerLine[] = NONE;
  #controller: Dispatcher.DispatchController | undefined;
  #res: ServerResponse | undefined;
  #relayed: PromiseWithResolvers<RelayOutcome> | undefined;
  /** What the body goes through while it is relayed. */
  #passage: Passage | undefined;
  /** Why the exchange cannot go on; kept until somebody asks. */
  #failure: Error | undefined;
  #ended = false;
  #bytes = 0;
  /** How long the client's upload has stood still, in milliseconds. */
  #stalledMs = 0;
  #takingTimer: NodeJS.Timeout | undefined;
  #ahead: BodyAhead | undefined;

  constructor(request: ForwardRequest, { servers, idleTimeoutMs, totalTimeoutMs, fields }: ExchangeTerms) {
    this.#request = request;
    this.#servers = servers;
    this.#fields = fields;
    this.#timer = setTimeout(onSilence, request.timeoutMs, this);
    if (idleTimeoutMs !== undefined || totalTimeoutMs !== undefined)
      this.#limits = new StreamLimits(this, idleTimeoutMs, totalTimeoutMs);
    this.#upload = request.body?.open(() => this.#uploadGoesOn(), request.watch);
  }

  /** Sends the request; resolves at the final response headers with the body held back. */
  start(): Promise<UpstreamResponse> {
    const { departure } = this.#request;
    if (departure?.aborted === true) {
      this.#fail(new ClientGoneError('no'));
      return this.#opened.promise;
    }
    departure?.addEventListener('abort', this);
    const line = this.#servers.next();
    if (line === undefined) throw new Error('an upstream without servers');
    this.#send(line);
    return this.#opened.promise;
  }

  #send(line: ServerLine): void {
    const { method, path, headers } = this.#request;
    this.#line = line;
    line.health.busy += 1;
    // undici's own timers are coarse (half a second) and do not see the queue: the exchange keeps its own.
    // A body may be silent for as long as it likes: server-sent events are. Dead peers are found by TCP keep-alive.
    const options = {
      method,
      path: line.basePath + path,
      headers,
      body: this.#upload ?? null,
      headersTimeout: 0,
      bodyTimeout: 0,
    };
    // After HEAD undici ends the connection, and is right: an API that sends a body all the same, a little late, would have
    // it read as the answer to somebody else's request.
    line.dispatcher.dispatch(options, this);
  }

  /** The client has gone. */
  handleEvent(): void {
    this.#fail(new ClientGoneError(this.#controller === undefined ? 'no' : 'possibly'));
  }

  /** The time is up: a fault of the upstream, unless it is the client's upload that is late. */
  expire(): void {
    const { timeoutMs } = this.#request;
    if (this.#upload?.waitsForClient !== true) {
      this.#fail(new UpstreamSilenceError(`No response headers within ${timeoutMs} ms.`));
      return;
    }
    this.#stalledMs += timeoutMs;
    if (this.#stalledMs < CLIENT_STALL_MS) this.#timer.refresh();
    else this.#fail(new GatewayError('request_timeout', { detail: 'The body stopped arriving.' }));
  }

  /** The client has not taken what it was sent. */
  giveUp(): void {
    this.#fail(new ClientGoneError());
  }

  /** Whether what has arrived waits for the client to take it. */
  get waitsForTaking(): boolean {
    return this.#controller?.paused === true;
  }

  /** A limit of the exchange as a whole is over. */
  cutOff(error: UpstreamSilenceError): void {
    this.#fail(error);
  }

  #uploadGoesOn(): void {
    this.#stalledMs = 0;
    this.#timer.refresh();
    this.#limits?.moved();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // Given up while it was queued: the request must not be sent.
    if (this.#failure !== undefined) controller.abort(this.#failure);
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    _headers: unknown,
    statusText?: string,
  ): void {
    if (this.#state !== 'waiting') return;
    // 102 and 103 announce the final response; the deadline holds for that one.
    if (status < 200) {
      const { hintsTo } = this.#request;
      if (hintsTo !== undefined) relayInformational(hintsTo, status, decodeHead(controller.rawHeaders), this.#fields);
      return;
    }
    clearTimeout(this.#timer);
    this.#limits?.hold();
    this.#line?.health.answered();
    this.status = status;
    this.statusText = decodeReason(statusText, status);
    this.rawHeaders = decodeHead(controller.rawHeaders);
    this.#state = 'held';
    this.#opened.resolve(this);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    notePassed(chunk.length);
    this.#limits?.moved();
    if (this.#state === 'held' || this.#state === 'collecting') {
      this.#takeAhead(controller, chunk);
      return;
    }
    const res = this.#res;
    if (res === undefined || res.destroyed) return;
    this.#bytes += chunk.length;
    if (this.#write(res, chunk)) return;
    controller.pause();
    this.#watchTaking();
  }

  #takeAhead(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#ahead ??= new BodyAhead();
    if (this.#ahead.take(chunk)) return;
    controller.pause();
    if (this.#state === 'collecting') this.#endCollecting('larger');
  }

  onResponseEnd(): void {
    this.#ended = true;
    this.#leave();
    this.#request.place.release();
    this.#limits?.end();
    this.#upload?.destroy();
    if (this.#state === 'relaying') this.#finish();
    else if (this.#state === 'collecting') this.#endCollecting('whole');
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    if (this.status === 304 && isLengthMismatch(error)) {
      this.onResponseEnd();
      return;
    }
    if (this.#state === 'waiting' && this.#failure === undefined) {
      if (this.#controller !== undefined && isBreak(error)) this.#line?.health.failed();
      if (this.#controller === undefined && isConnectFault(error) && this.#goElsewhere()) return;
    }
    this.#over(error);
  }

  /** No connection came about: nothing was sent and nothing of the body was read, so that another server can have it. */
  #goElsewhere(): boolean {
    if (this.#line !== undefined) this.#tried = [...this.#tried, this.#line];
    const next = this.#servers.next(this.#tried);
    if (next === undefined) return false;
    this.#leave();
    this.#send(next);
    return true;
  }

  #leave(): void {
    if (this.#line !== undefined) this.#line.health.busy -= 1;
    this.#line = undefined;
  }

  #over(error: Error): void {
    this.#failure ??= error;
    this.#leave();
    this.#request.place.release();
    this.#limits?.end();
    this.#upload?.destroy();
    this.#request.departure?.removeEventListener('abort', this);
    if (this.#state === 'waiting') this.#refuse();
    else if (this.#state === 'relaying') this.#cut();
    else if (this.#state === 'collecting') this.#endCollecting('broke');
  }

  collect(maxBytes: number, room?: BodyRoom): Promise<Collected> {
    if (this.#state !== 'held') throw new Error(`a response that is ${this.#state} cannot be collected`);
    this.#ahead ??= new BodyAhead();
    const collected = this.#ahead.collect(maxBytes, room);
    this.#state = 'collecting';
    if (this.#failure !== undefined) this.#endCollecting('broke');
    else if (this.#ahead.isFull) this.#endCollecting('larger');
    else if (this.#ended) this.#endCollecting('whole');
    else {
      this.#limits?.flow();
      this.#controller?.resume();
    }
    return collected;
  }

  relay(res: ServerResponse, passage?: Passage): Promise<RelayOutcome> {
    if (this.#state !== 'held') throw new Error(`a response that is ${this.#state} cannot be relayed`);
    this.#state = 'relaying';
    this.#res = res;
    this.#passage = passage;
    this.#relayed = Promise.withResolvers<RelayOutcome>();
    if (this.#failure === undefined && res.destroyed) this.#fail(new ClientGoneError());
    else if (this.#failure !== undefined) this.#relayPart(res);
    else this.#pump(res);
    return this.#relayed.promise;
  }

  /** The upstream broke off while its answer was held: the client sees how far it came, and that it was cut. */
  #relayPart(res: ServerResponse): void {
    res.flushHeaders();
    for (const chunk of this.#ahead?.chunks ?? []) this.#write(res, chunk);
    // Node writes at the end of the turn.
    setImmediate(() => this.#cut());
  }

  get broken(): boolean {
    return this.#failure !== undefined;
  }

  discard(): void {
    if (this.#state === 'done') return;
    if (this.#state === 'collecting') this.#endCollecting('broke');
    this.#state = 'done';
    this.#fail(new Error('the response was discarded'));
  }

  #endCollecting(kind: Collected['kind']): void {
    this.#state = 'held';
    this.#limits?.hold();
    this.#ahead?.end(kind, this.#failure instanceof UpstreamSilenceError);
  }

  #pump(res: ServerResponse): void {
    res.on('finish', () => this.#settle({ kind: 'complete', bytes: this.#bytes }));
    // Who listens to departures hears of this one already.
    if (this.#request.departure === undefined) {
      res.on('close', () => {
        if (this.#state === 'relaying') this.#fail(new ClientGoneError());
      });
    }
    const ahead = this.#ahead;
    this.#ahead = undefined;
    this.#bytes = ahead?.bytes ?? 0;
    // Most responses are over before anybody asked for their body.
    if (this.#ended) {
      this.#finish(ahead?.whole());
      return;
    }
    res.on('drain', () => {
      clearTimeout(this.#takingTimer);
      this.#limits?.moved();
      if (this.#state === 'relaying' && !this.#ended) this.#controller?.resume();
    });
    for (const chunk of ahead?.chunks ?? []) this.#write(res, chunk);
    this.#limits?.flow();
    this.#controller?.resume();
    // What had arrived went out together with the head; an event stream that says nothing yet still shows its head.
    if ((this.#bytes === 0 || this.#passage !== undefined) && this.#state === 'relaying' && !this.#ended)
      res.flushHeaders();
  }

  /** Writes a chunk, as far as it may go out; tells whether the client takes more. */
  #write(res: ServerResponse, chunk: Buffer): boolean {
    if (this.#passage === undefined) return res.write(chunk);
    let flows = true;
    try {
      for (const part of this.#passage.pass(chunk)) flows = res.write(part);
    } catch (fault) {
      this.#fail(faultFrom(fault));
    }
    return flows;
  }

  /** @param body what was not written yet, all of it */
  #finish(body?: Buffer): void {
    const res = this.#res;
    if (res === undefined || res.destroyed) return;
    if (this.#passage === undefined) this.#end(res, body);
    else void this.#finishThrough(this.#passage, res, body);
  }

  async #finishThrough(passage: Passage, res: ServerResponse, body?: Buffer): Promise<void> {
    if (body !== undefined) this.#write(res, body);
    try {
      const { bytes, trailers } = await passage.end();
      if (this.#state !== 'relaying' || res.destroyed) return;
      if (trailers.length > 0) res.addTrailers(trailers);
      this.#end(res, bytes === undefined ? undefined : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    } catch (fault) {
      this.#fail(faultFrom(fault));
    }
  }

  #end(res: ServerResponse, body: Buffer | undefined): void {
    const trailers = this.#controller?.rawTrailers;
    if (Array.isArray(trailers) && trailers.length > 0)
      res.addTrailers(relayTrailers(decodeHead(trailers), this.#fields));
    // Text goes into one piece with the head, which takes one write; latin1 keeps its bytes as they are.
    if (body === undefined) res.end();
    else if (body.length > MOST_IN_ONE_PIECE) res.end(body);
    else res.end(body.toString('latin1'), 'latin1');
    // Most answers are with the operating system by now.
    if (res.writableLength > 0) this.#watchTaking();
    else clearTimeout(this.#takingTimer);
  }

  /** Cuts a client off that does not take what there is for it. An event stream that has nothing to say is not that. */
  #watchTaking(): void {
    clearTimeout(this.#takingTimer);
    this.#takingTimer = setTimeout(onUntaken, CLIENT_STALL_MS, this);
  }

  /** Ends the exchange from our side, wherever it stands. */
  #fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    const controller = this.#controller;
    // After the response's end there is nothing left to abort, and the connection may serve somebody else.
    if (controller !== undefined && !this.#ended && !controller.aborted) controller.abort(error);
    // An abort reports back at once; everything that has no connection is told here. Hearing it twice changes nothing.
    this.#over(error);
  }

  #refuse(): void {
    this.#state = 'done';
    clearTimeout(this.#timer);
    const failure = this.#failure;
    const isClients = failure instanceof ClientGoneError || failure instanceof BodyRefusedError;
    if (isClients || failure instanceof GatewayError) this.#opened.reject(failure);
    else this.#opened.reject(faultOf(failure, this.#controller === undefined ? 'no' : 'possibly'));
  }

  /** Ends the client's response so that it is seen as cut off. */
  #cut(): void {
    const res = this.#res;
    // A response to HTTP/1.0 ends with its connection: only a reset tells a cut from an end.
    if (res?.req.httpVersionMinor === 0) res.socket?.resetAndDestroy();
    res?.destroy();
    this.#settle({ kind: this.#failure instanceof ClientGoneError ? 'client_gone' : 'upstream_broke' });
  }

  #settle(outcome: RelayOutcome): void {
    this.#state = 'done';
    clearTimeout(this.#takingTimer);
    this.#request.departure?.removeEventListener('abort', this);
    this.#relayed?.resolve(outcome);
  }
}

function faultFrom(fault: unknown): Error {
  return fault instanceof Error ? fault : new Error('an answer was withheld', { cause: fault });
}

function onSilence(exchange: Exchange): void {
  exchange.expire();
}

function onUntaken(exchange: Exchange): void {
  exchange.giveUp();
}

/**
 * undici expects the bytes of a 304's `Content-Length`, which is the length a 200 would have had and announces no body
 * (RFC 9110 §8.6). Such a response is whole.
 */
function isLengthMismatch(error: Error): boolean {
  return 'code' in error && error.code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH';
}
