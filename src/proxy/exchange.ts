import type { Dispatcher } from 'undici';
import { GatewayError } from '../domain/gateway-error.ts';
import { notePassed } from '../engine/spent-buffers.ts';
import { parseFieldList } from './field-list.ts';
import { HeadDeadline } from './head-deadline.ts';
import { HeldResponse, type ResponseSource } from './held-response.ts';
import { relayInformational } from './informational.ts';
import type { Upload } from './request-body.ts';
import { Sending } from './sending.ts';
import type { ServerChoice } from './server-choice.ts';
import type { ServerLine } from './server-line.ts';
import { StreamLimits, type Timed } from './stream-limits.ts';
import { BodyRefusedError, ClientGoneError, faultOf, UpstreamFault } from './upstream-fault.ts';
import type { ForwardRequest, UpstreamResponse } from './upstream-response.ts';
import { checkedReason, decodeHead } from './wire-head.ts';

/** The parts that all exchanges with an upstream share. */
export interface ExchangeTerms {
  readonly servers: ServerChoice<ServerLine>;
  readonly idleTimeoutMs: number | undefined;
  readonly totalTimeoutMs: number | undefined;
}

const NO_TRAILERS: readonly string[] = [];

/** undici's handler of one request. */
type Handler = Required<
  Pick<Dispatcher.DispatchHandler, 'onConnect' | 'onHeaders' | 'onData' | 'onComplete' | 'onError'>
>;

/**
 * One request to the upstream until its response is over: undici's handler, and the source of the response.
 *
 * It has undici's older methods, which take a head as its bytes: for the newer ones undici decodes each head besides,
 * into an object that nobody here reads.
 */
export class Exchange implements Handler, ResponseSource, Timed {
  ended = false;
  /** Why the exchange cannot go on; kept until it is asked for. */
  failure: Error | undefined;

  readonly #request: ForwardRequest;
  readonly #limits: StreamLimits | undefined;
  readonly #upload: Upload | undefined;
  readonly #sending: Sending;
  readonly #deadline: HeadDeadline;
  readonly #opened = Promise.withResolvers<UpstreamResponse>();
  /** Ends the request while it is sent or answered. */
  #abort: ((error: Error) => void) | undefined;
  /** Lets the connection be read again; `undefined` before the head. */
  #resume: (() => void) | undefined;
  /** Whether the connection is not read. */
  #isPaused = false;
  #trailers = NO_TRAILERS;
  /** Once its head has arrived. */
  #response: HeldResponse | undefined;

  constructor(request: ForwardRequest, { servers, idleTimeoutMs, totalTimeoutMs }: ExchangeTerms) {
    this.#request = request;
    if (idleTimeoutMs !== undefined || totalTimeoutMs !== undefined)
      this.#limits = new StreamLimits(this, idleTimeoutMs, totalTimeoutMs);
    this.#upload = request.body?.open(() => this.#uploadGoesOn(), request.watch);
    this.#deadline = new HeadDeadline(request.timeoutMs, this.#upload, this);
    this.#sending = new Sending(request, this.#upload, servers, this);
  }

  /** Sends the request; resolves at the final response headers with the body held back. */
  start(): Promise<UpstreamResponse> {
    const { departure } = this.#request;
    if (departure?.aborted === true) {
      this.fail(new ClientGoneError('no'));
      return this.#opened.promise;
    }
    departure?.addEventListener('abort', this);
    this.#sending.start();
    return this.#opened.promise;
  }

  /** The client has gone. */
  handleEvent(): void {
    const { reached } = this.#sending;
    this.fail(new ClientGoneError(reached === 'possibly' && this.#upload?.lacksEnd === true ? 'in part' : reached));
  }

  get hearsOfDeparture(): boolean {
    return this.#request.departure !== undefined;
  }

  /** Whether what has arrived waits for the client to take it. */
  get waitsForTaking(): boolean {
    return this.#isPaused;
  }

  /** A limit is over. */
  cutOff(error: Error): void {
    this.fail(error);
  }

  #uploadGoesOn(): void {
    this.#deadline.uploadMoved();
    this.#limits?.moved();
  }

  onConnect(abort: (error: Error) => void): void {
    this.#abort = abort;
    this.#sending.begun();
    // Given up while it was queued: the request must not be sent.
    if (this.failure !== undefined) abort(this.failure);
  }

  /** @returns whether the connection is read on */
  onHeaders(status: number, raw: readonly Buffer[], resume: () => void, reason: string): boolean {
    this.#resume = resume;
    if (this.#response === undefined && this.failure === undefined) this.#headArrived(status, raw, reason);
    return !this.#isPaused;
  }

  #headArrived(status: number, raw: readonly Buffer[], reason: string): void {
    const rawHeaders = decodeHead(raw);
    // 102 and 103 announce the final response; the deadline holds for that one.
    if (status < 200) {
      const { hintsTo, fields } = this.#request;
      if (hintsTo !== undefined) relayInformational(hintsTo, status, rawHeaders, fields);
      return;
    }
    this.#deadline.end();
    this.#limits?.hold();
    this.#sending.answered();
    if (isCoded(rawHeaders)) {
      this.fail(new GatewayError('upstream_invalid_answer', { cause: new UpstreamFault(UNKNOWN_CODING, 'possibly') }));
      return;
    }
    const head = { status, statusText: checkedReason(reason, status), rawHeaders };
    this.#response = new HeldResponse(head, this, this.#request.fields);
    this.#opened.resolve(this.#response);
  }

  /** @returns whether the connection is read on */
  onData(chunk: Buffer): boolean {
    notePassed(chunk.length);
    this.#limits?.moved();
    if (this.#response?.take(chunk) === false) this.#isPaused = true;
    return !this.#isPaused;
  }

  onComplete(trailers: readonly string[] | null): void {
    this.#trailers = trailers ?? NO_TRAILERS;
    this.#wasEnded();
  }

  #wasEnded(): void {
    this.ended = true;
    this.#letGo();
    this.#response?.end();
  }

  onError(error: Error): void {
    if (isLengthMismatch(error) && this.#response !== undefined && this.#isBodiless(this.#response.status)) {
      this.#wasEnded();
      return;
    }
    if (this.#response === undefined && this.failure === undefined) {
      this.#abort = undefined;
      if (this.#sending.again(error)) return;
    }
    this.#over(error);
  }

  #isBodiless(status: number): boolean {
    return status === 204 || status === 304 || this.#request.method === 'HEAD';
  }

  trailers(): readonly string[] {
    return this.#trailers.length > 0 ? decodeHead(this.#trailers) : NO_TRAILERS;
  }

  flow(after: 'hold' | 'taking'): void {
    if (after === 'hold') this.#limits?.flow();
    else this.#limits?.moved();
    if (this.ended || !this.#isPaused) return;
    this.#isPaused = false;
    this.#resume?.();
  }

  hold(): void {
    this.#limits?.hold();
  }

  closed(): void {
    this.#request.departure?.removeEventListener('abort', this);
  }

  fail(error: Error): void {
    if (this.failure !== undefined) return;
    this.failure = error;
    // After the response's end there is nothing left to abort, and the connection may serve another request.
    if (!this.ended) this.#abort?.(error);
    // An abort reports at once; everything without a connection is reported here. A second report changes nothing.
    this.#over(error);
  }

  #over(error: Error): void {
    this.failure ??= error;
    this.#letGo();
    this.closed();
    if (this.#response === undefined) this.#refuse(this.failure);
    else this.#response.breakOff();
  }

  /** The connection and the upload are no longer needed. */
  #letGo(): void {
    this.#sending.leave();
    this.#request.place.release();
    this.#limits?.end();
    this.#upload?.destroy();
  }

  #refuse(failure: Error): void {
    this.#deadline.end();
    const isClients = failure instanceof ClientGoneError || failure instanceof BodyRefusedError;
    if (isClients || failure instanceof GatewayError) this.#opened.reject(failure);
    else this.#opened.reject(faultOf(failure, this.#sending.reached));
  }
}

/**
 * undici expects the bytes of a 304's `Content-Length`, which is the length a 200 would have had and announces no body
 * (RFC 9110 §8.6), and those of a 204, which should have none. Such a response is whole. undici ends its connection: if
 * the bytes do come, they are not read as another answer.
 */
function isLengthMismatch(error: Error): boolean {
  return 'code' in error && error.code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH';
}

const UNKNOWN_CODING = 'The body has a transfer coding that was not asked for.';

/**
 * Whether a body is coded for this connection in another way than in chunks. undici removes the chunks only, and the
 * client would take the rest for the content (RFC 9112 §7).
 */
function isCoded(rawHeaders: readonly string[]): boolean {
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.length !== 17 || rawHeaders[i]?.toLowerCase() !== 'transfer-encoding') continue;
    const codings = parseFieldList(rawHeaders[i + 1]?.toLowerCase() ?? '');
    if (codings.some((coding) => coding !== 'chunked' && coding !== 'identity')) return true;
  }
  return false;
}
