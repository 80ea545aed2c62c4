import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { type Duplex, duplexPair } from 'node:stream';
import { ERROR_CODES, type ErrorCode } from '../../domain/gateway-error.ts';
import { problem } from '../raw-answer.ts';
import { ANSWER_HEAD_BYTES, Http2Answer } from './http2-answer.ts';
import { http2FieldsOf } from './http2-fields.ts';
import { type Http1Head, http1HeadOf } from './http2-request.ts';
import { fixPeer } from './peer.ts';
import type { PeerAddress } from './proxy-header.ts';

/** A request of HTTP/2 at its beginning. */
export interface BegunStream {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  /** Flat list, pseudo-headers included. */
  readonly rawHeaders: readonly string[];
}

/**
 * Serves an HTTP/2 request as an HTTP/1.1 request on an in-process connection of its own. Each head is parsed twice; in
 * return there is one way to serve a request, with the same checks, limits and answers.
 *
 * A side that ends early ends the other one, too: a client's reset counts as a client that left, and an answer that
 * breaks off is reset.
 */
export function serveStream({ stream, headers, rawHeaders }: BegunStream, peer: PeerAddress, serve: ServeHttp): void {
  // Its client reset it before it came here.
  if (stream.destroyed) return;
  stream.on('error', () => {});
  const read = http1HeadOf(headers, rawHeaders, !stream.endAfterHeaders);
  if (!read.ok) {
    refuse(stream, read.code);
    return;
  }
  try {
    new Crossing(stream, read.head, peer, serve);
  } catch {
    // A head that Node's HTTP/1.1 refuses to write. Uncaught, it would end the process.
    refuse(stream, 'request_malformed');
  }
}

/** Serves a connection that speaks HTTP/1.1. */
type ServeHttp = (socket: Duplex) => void;

class Crossing {
  readonly #stream: ServerHttp2Stream;
  readonly #answer: Http2Answer;
  readonly #near: Duplex;
  readonly #far: Duplex;
  readonly #request: ClientRequest;
  #answered = false;
  #whole = false;

  constructor(stream: ServerHttp2Stream, head: Http1Head, peer: PeerAddress, serve: ServeHttp) {
    this.#stream = stream;
    this.#answer = new Http2Answer(stream);
    [this.#near, this.#far] = duplexPair();
    this.#near.on('error', () => {});
    fixPeer(this.#far, peer, true);
    const { method, target: path, headers } = head;
    this.#request = request({
      createConnection: () => this.#near,
      method,
      path,
      headers,
      setHost: false,
      maxHeaderSize: ANSWER_HEAD_BYTES,
    });
    // Node would silently drop headers above its count.
    this.#request.maxHeadersCount = 0;
    this.#watch();
    serve(this.#far);
    this.#request.flushHeaders();
    stream.pipe(this.#request);
  }

  #watch(): void {
    const stream = this.#stream;
    stream.once('close', () => {
      if (!this.#whole) this.#breakOff();
    });
    // A reset closes a stream whose upload is still unread without `close`. Node is not done with it at this event.
    stream.once('aborted', () => setImmediate(() => this.#breakOff()));
    this.#request.on('error', () => this.#fail());
    this.#request.on('close', () => this.#fail());
    this.#request.on('continue', () => this.#answer.inform({ ':status': 100 }));
    this.#request.on('information', ({ statusCode, rawHeaders }) => {
      if (statusCode > 101) this.#answer.inform({ ':status': statusCode, ...http2FieldsOf(rawHeaders) });
    });
    this.#request.on('response', (answer) => this.#relay(answer));
  }

  #relay(answer: IncomingMessage): void {
    const stream = this.#stream;
    this.#answered = true;
    answer.on('error', () => {});
    answer.on('close', () => {
      if (!answer.complete) this.#breakOff();
    });
    let wanted = false;
    const finish = (): void => {
      if (this.#whole && wanted) this.#answer.finish(http2FieldsOf(answer.rawTrailers));
    };
    answer.once('end', () => {
      this.#ended();
      finish();
    });
    // Node asks when all that was written is sent. It does so at once where a status has no body.
    stream.once('wantTrailers', () => {
      wanted = true;
      finish();
    });
    const head = { ':status': statusOf(answer), ...http2FieldsOf(answer.rawHeaders) };
    if (!this.#answer.begin(head)) this.#breakOff();
    else if (stream.writableEnded) answer.resume();
    else answer.pipe(stream);
  }

  /** The answer is whole: the rest of an upload is not wanted any more. */
  #ended(): void {
    this.#whole = true;
    this.#stream.unpipe(this.#request);
    // Node is not done with a stream before its upload is read.
    this.#stream.resume();
  }

  /** Our side ended without an answer. */
  #fail(): void {
    if (!this.#answered) this.#breakOff();
  }

  #breakOff(): void {
    this.#near.destroy();
    this.#far.destroy();
    this.#stream.unpipe(this.#request);
    this.#answer.breakOff();
  }
}

/** Answers a request that HTTP/1.1 cannot express. */
function refuse(stream: ServerHttp2Stream, code: ErrorCode): void {
  const { status } = ERROR_CODES[code];
  const head = { ':status': status, 'content-type': 'application/problem+json', 'cache-control': 'no-store' };
  new Http2Answer(stream).send(head, problem(code));
}

/** An invalid status counts as a fault of the server (RFC 9110 §15), and Node sends none over HTTP/2. */
function statusOf({ statusCode = 502 }: IncomingMessage): number {
  return statusCode > 599 ? 502 : statusCode;
}
