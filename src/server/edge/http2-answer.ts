import http2, { type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { CLIENT_STALL_MS } from '../../proxy/stream-limits.ts';

const { NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR } = http2.constants;

/** Longest head of an answer, in bytes. The proxy bounds those of APIs; this has room for what the gateway adds. */
export const ANSWER_HEAD_BYTES = 1024 * 1024;

/** How often it is looked whether the end of an answer has gone, in milliseconds. */
const END_CHECK_MS = 50;

/**
 * The answer on a stream of HTTP/2. Node throws for a stream that its client has reset, and for fields that HTTP/1.1
 * allows. Both follow from what a client or an API sends, so that no call here throws: it would end the process.
 */
export class Http2Answer {
  readonly #stream: ServerHttp2Stream;

  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream;
  }

  /** Sends an interim answer, unless it is too late for one. It is a hint: one that Node refuses is left out. */
  inform(headers: OutgoingHttpHeaders): void {
    if (!this.#stream.headersSent) this.#attempt((stream) => stream.additionalHeaders(headers));
  }

  /** Sends the head. `false` where the client is gone, or Node refuses the head. */
  begin(head: OutgoingHttpHeaders): boolean {
    // Where trailers may come, Node must not end the stream: it would end a broken answer as if it were whole, before
    // resetting it.
    const begun = this.#attempt((stream) => stream.respond(head, { waitForTrailers: true }));
    if (begun) this.#watchTaking();
    return begun;
  }

  /** Sends a whole answer. */
  send(head: OutgoingHttpHeaders, body: string): void {
    this.#attempt((stream) => {
      stream.respond(head);
      stream.end(body);
      stream.resume();
      this.#watchTaking();
    });
  }

  /** Ends an answer that has begun, once Node asks for trailers. */
  finish(trailers: OutgoingHttpHeaders): void {
    const sent = this.#attempt((stream) => stream.sendTrailers(trailers));
    if (!sent) this.#attempt((stream) => stream.sendTrailers({}));
    setImmediate(() => this.#stopUpload());
  }

  /** Resets the stream, or ends one that its client has reset. */
  breakOff(): void {
    // A stream that was reset without an error waits for somebody to read the rest of its upload.
    if (this.#stream.closed) this.#stream.destroy();
    else this.#stream.close(NGHTTP2_INTERNAL_ERROR);
  }

  /**
   * Resets an answer of which the client takes nothing for too long. Small answers are whole in the memory of this
   * process, which counts them as sent: a client that allows no bytes (RFC 9113 §5.2) could have it hold any number.
   */
  #watchTaking(): void {
    const stream = this.#stream;
    let waited: number | undefined;
    let isMoving = false;
    stream.on('drain', () => {
      isMoving = true;
    });
    const look = (): void => {
      const { writableLength, writableEnded } = stream;
      // An event stream that is silent has nothing that waits.
      const waits = writableLength > 0 || writableEnded;
      if (waits && writableLength === waited && !isMoving) {
        this.breakOff();
        return;
      }
      waited = waits ? writableLength : undefined;
      isMoving = false;
      timer = setTimeout(look, CLIENT_STALL_MS).unref();
    };
    let timer = setTimeout(look, CLIENT_STALL_MS).unref();
    stream.once('close', () => clearTimeout(timer));
  }

  /** Asks the client to stop its upload, which only an answer that has ended may do (RFC 9113 §8.1). */
  #stopUpload(): void {
    const stream = this.#stream;
    if (stream.readableEnded || stream.endAfterHeaders || stream.closed || stream.destroyed) return;
    // A reset overtakes an end that waits for a client that does not read, and Node does not tell when that has gone.
    if (stream.state.localClose === 1) stream.close(NGHTTP2_NO_ERROR);
    else setTimeout(() => this.#stopUpload(), END_CHECK_MS).unref();
  }

  #attempt(call: (stream: ServerHttp2Stream) => void): boolean {
    // A client's reset closes a stream; what it has not read yet keeps it from being destroyed.
    if (this.#stream.closed || this.#stream.destroyed) return false;
    try {
      call(this.#stream);
      return true;
    } catch {
      return false;
    }
  }
}
