import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Dispatcher } from 'undici';
import { GatewayError } from '../domain/gateway-error.ts';
import { relayTrailers } from './headers.ts';
import { BodyRefusedError, UploadBody } from './upload-body.ts';
import { ClientGoneError, faultOf, UpstreamSilenceError } from './upstream-fault.ts';
import type { Collected, ForwardRequest, RelayOutcome, UpstreamResponse } from './upstream-response.ts';

/**
 * How long a client may let an exchange wait without a byte of progress, in milliseconds. It holds a connection to the
 * upstream meanwhile, of which there are only so many: without a bound, a few clients that stop in the middle of an
 * upload or of an answer would keep everybody else out.
 */
export const CLIENT_STALL_MS = 60_000;

type State = 'waiting' | 'held' | 'collecting' | 'relaying' | 'done';

/** One request to the upstream and its response: undici's handler and the pipeline's {@link UpstreamResponse} in one. */
export class Exchange implements Dispatcher.DispatchHandler, UpstreamResponse {
  status = 0;
  statusText = '';
  rawHeaders: string[] = [];

  readonly #request: ForwardRequest;
  readonly #upload: UploadBody | undefined;
  readonly #opened = Promise.withResolvers<UpstreamResponse>();
  readonly #timer: NodeJS.Timeout;
  #state: State = 'waiting';
  #controller: Dispatcher.DispatchController | undefined;
  #res: ServerResponse | undefined;
  #relayed: PromiseWithResolvers<RelayOutcome> | undefined;
  /** Why the exchange cannot go on; kept until somebody asks. */
  #failure: Error | undefined;
  #ended = false;
  #bytes = 0;
  /** How long the client's upload has stood still, in milliseconds. */
  #stalledMs = 0;
  #takingTimer: NodeJS.Timeout | undefined;
  /** What `collect` has read, and how much it may; its caller waits in `#collected`. */
  #ahead: Buffer[] = [];
  #aheadBytes = 0;
  #mostAhead = 0;
  #collected: PromiseWithResolvers<Collected> | undefined;

  constructor(request: ForwardRequest) {
    this.#request = request;
    this.#timer = setTimeout(onSilence, request.timeoutMs, this);
    if (request.body !== undefined)
      this.#upload = new UploadBody(request.body, () => this.#uploadGoesOn(), request.watch);
  }

  /** Sends the request; resolves at the final response headers with the body held back. */
  start(dispatcher: Dispatcher): Promise<UpstreamResponse> {
    const { method, path, headers, signal } = this.#request;
    if (signal.aborted) {
      this.#fail(new ClientGoneError('no'));
      return this.#opened.promise;
    }
    signal.addEventListener('abort', this);
    // undici's own timers are coarse (half a second) and do not see the queue: the exchange keeps its own.
    // A body may be silent for as long as it likes: server-sent events are. Dead peers are found by TCP keep-alive.
    const options = { method, path, headers, body: this.#upload ?? null, headersTimeout: 0, bodyTimeout: 0 };
    dispatcher.dispatch(options, this);
    return this.#opened.promise;
  }

  /** The client's abort signal. */
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

  #uploadGoesOn(): void {
    this.#stalledMs = 0;
    this.#timer.refresh();
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
    // 102 and 103 announce the final response; the deadline holds for that one.
    if (status < 200 || this.#state !== 'waiting') return;
    controller.pause();
    clearTimeout(this.#timer);
    this.status = status;
    this.statusText = wireText(statusText, status);
    this.rawHeaders = decode(controller.rawHeaders);
    this.#state = 'held';
    this.#opened.resolve(this);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#state === 'collecting') {
      this.#collectChunk(controller, chunk);
      return;
    }
    const res = this.#res;
    if (res === undefined || res.destroyed) return;
    this.#bytes += chunk.length;
    if (res.write(chunk)) return;
    controller.pause();
    this.#watchTaking();
  }

  onResponseEnd(): void {
    this.#ended = true;
    this.#upload?.destroy();
    if (this.#state === 'relaying') this.#finish();
    else if (this.#state === 'collecting') this.#endCollecting({ kind: 'whole', body: Buffer.concat(this.#ahead) });
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    if (this.status === 304 && isLengthMismatch(error)) {
      this.onResponseEnd();
      return;
    }
    this.#failure ??= error;
    this.#upload?.destroy();
    this.#request.signal.removeEventListener('abort', this);
    if (this.#state === 'waiting') this.#refuse();
    else if (this.#state === 'relaying') this.#cut();
    else if (this.#state === 'collecting') this.#endCollecting({ kind: 'broke' });
  }

  collect(maxBytes: number): Promise<Collected> {
    if (this.#state !== 'held') throw new Error(`a response that is ${this.#state} cannot be collected`);
    if (this.#failure !== undefined) return Promise.resolve({ kind: 'broke' });
    if (this.#ended) return Promise.resolve({ kind: 'whole', body: Buffer.alloc(0) });
    this.#state = 'collecting';
    this.#mostAhead = maxBytes;
    this.#collected = Promise.withResolvers<Collected>();
    this.#controller?.resume();
    return this.#collected.promise;
  }

  relay(res: ServerResponse): Promise<RelayOutcome> {
    if (this.#state !== 'held') throw new Error(`a response that is ${this.#state} cannot be relayed`);
    this.#state = 'relaying';
    this.#res = res;
    this.#relayed = Promise.withResolvers<RelayOutcome>();
    if (this.#failure === undefined && res.destroyed) this.#fail(new ClientGoneError());
    else if (this.#failure !== undefined) this.#cut();
    else this.#pump(res);
    return this.#relayed.promise;
  }

  get broken(): boolean {
    return this.#failure !== undefined;
  }

  discard(): void {
    if (this.#state === 'done') return;
    if (this.#state === 'collecting') this.#endCollecting({ kind: 'broke' });
    this.#state = 'done';
    this.#fail(new Error('the response was discarded'));
  }

  #collectChunk(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#ahead.push(chunk);
    this.#aheadBytes += chunk.length;
    if (this.#aheadBytes <= this.#mostAhead) return;
    controller.pause();
    this.#endCollecting({ kind: 'larger' });
  }

  #endCollecting(collected: Collected): void {
    this.#state = 'held';
    this.#collected?.resolve(collected);
  }

  #pump(res: ServerResponse): void {
    res.on('drain', () => {
      clearTimeout(this.#takingTimer);
      if (this.#state === 'relaying' && !this.#ended) this.#controller?.resume();
    });
    res.once('finish', () => this.#settle({ kind: 'complete', bytes: this.#bytes }));
    res.once('close', () => {
      if (this.#state === 'relaying') this.#fail(new ClientGoneError());
    });
    for (const chunk of this.#ahead) res.write(chunk);
    this.#bytes = this.#aheadBytes;
    this.#ahead = [];
    // A response to HEAD, or one that was collected, is over before anybody asked for its body.
    if (this.#ended) {
      this.#finish();
      return;
    }
    this.#controller?.resume();
    // What had arrived went out together with the head; an event stream that says nothing yet still shows its head.
    if (this.#bytes === 0 && this.#state === 'relaying' && !this.#ended) res.flushHeaders();
  }

  #finish(): void {
    const res = this.#res;
    if (res === undefined || res.destroyed) return;
    const trailers = this.#controller?.rawTrailers;
    if (Array.isArray(trailers) && trailers.length > 0) res.addTrailers(relayTrailers(decode(trailers)));
    res.end();
    this.#watchTaking();
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
    this.onResponseError(controller, error);
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
    this.#request.signal.removeEventListener('abort', this);
    this.#relayed?.resolve(outcome);
  }
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

function decode(raw: Dispatcher.DispatchController['rawHeaders']): string[] {
  if (!Array.isArray(raw)) return [];
  const list: string[] = new Array(raw.length);
  for (let i = 0; i < raw.length; i++) list[i] = raw[i]?.toString('latin1') ?? '';
  return list;
}

/** undici decodes the reason phrase as UTF-8; Node writes latin1. The bytes are what must come through. */
function wireText(text: string | undefined, status: number): string {
  if (text === undefined || text === '') return '';
  if (text.includes('\ufffd')) return STATUS_CODES[status] ?? '';
  const wire = Buffer.from(text, 'utf8').toString('latin1');
  // Node throws at a control character, and it would end the status line.
  return /[^\t\x20-\x7e\x80-\xff]/.test(wire) ? (STATUS_CODES[status] ?? '') : wire;
}
