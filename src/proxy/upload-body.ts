import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { GatewayError } from '../domain/gateway-error.ts';
import type { RequestHead } from '../domain/request-head.ts';
import { notePassed } from '../engine/spent-buffers.ts';
import { BodyRefusedError, bodyTooSlow, ClientGoneError } from './upstream-fault.ts';

/**
 * Looks at a body as it passes. The last chunk is held back until the watch agrees: an upstream never gets the whole of
 * a body that was refused.
 */
export interface BodyWatch {
  /** Sees a chunk before it is passed on; a fault ends the body there. */
  see(chunk: Buffer): GatewayError | undefined;
  mayEnd(): boolean;
}

/**
 * How long a body may keep the upstream waiting in all, in milliseconds, and the rate that earns it more time. Every
 * single byte counts as progress: without this bound a client could hold a connection to the upstream for any time.
 */
export const PACE_OF_UPLOADS: Pace = { graceMs: 60_000, leastBytesPerSecond: 500 };

/** How slowly a body may arrive. */
export interface Pace {
  readonly graceMs: number;
  readonly leastBytesPerSecond: number;
}

/** The fault of a client that took `waitedMs` milliseconds for `bytes` bytes; `undefined` within the pace. */
export function paceFault(
  { graceMs, leastBytesPerSecond }: Pace,
  bytes: number,
  waitedMs: number,
): GatewayError | undefined {
  if (waitedMs <= graceMs + (bytes / leastBytesPerSecond) * 1000) return undefined;
  return bodyTooSlow('The body arrives too slowly.');
}

/** Asks for the body of a client that waits for it (`Expect: 100-continue`), unless the client was answered already. */
export function askForBody(continueTo: ServerResponse | undefined): void {
  if (continueTo !== undefined && !continueTo.headersSent && !continueTo.destroyed) continueTo.writeContinue();
}

/** The terms of an upload. */
export interface UploadTerms {
  readonly watch?: BodyWatch | undefined;
  /** The client's response, where the client sends its body only when it is asked for it (`Expect: 100-continue`). */
  readonly continueTo?: ServerResponse | undefined;
  readonly pace?: Pace;
}

/**
 * A client's request body on its way to the upstream.
 *
 * It stands between the `IncomingMessage` and undici, because undici destroys a body it is done with: destroying the
 * message itself would take the client's connection along, on which the answer still has to be written. It also keeps
 * the framing the client chose (undici would measure a message that is already buffered), and it fails with
 * {@link ClientGoneError} when the client dies, so that the upstream never takes a cut-off upload for a whole one.
 */
export class UploadBody extends Readable {
  readonly #message: IncomingMessage;
  readonly #onProgress: () => void;
  readonly #watch: BodyWatch | undefined;
  readonly #pace: Pace;
  /** The last chunk, where a watch has to agree before the body may end. */
  #held: Buffer | undefined;
  #ended = false;
  #bytes = 0;
  /** Start of the current wait for the client, and the sum of the earlier waits, in milliseconds. */
  #wantedAt: number | undefined;
  #waitedMs = 0;
  /** Set while the body is still to be asked for. */
  #continueTo: ServerResponse | undefined;

  /** `onProgress` is called for every chunk that came in and at the end. */
  constructor(
    message: IncomingMessage,
    onProgress: () => void,
    { watch, continueTo, pace = PACE_OF_UPLOADS }: UploadTerms = {},
  ) {
    super();
    this.#pace = pace;
    this.#watch = watch;
    this.#continueTo = continueTo;
    this.#message = message;
    this.#onProgress = onProgress;
    // undici takes faults while it listens; later ones are not needed and must not be thrown.
    this.on('error', ignore);
    message.pause();
    message.on('data', this.#onData);
    message.on('end', this.#onEnd);
    message.on('close', this.#onClose);
    message.on('error', ignore);
    if (message.destroyed && !message.readableEnded) this.#onClose();
  }

  /** Whether the gateway could pass on more than the client has sent so far. */
  get waitsForClient(): boolean {
    return this.readableFlowing === true && !this.#ended;
  }

  get lacksEnd(): boolean {
    // Without a watch, which holds the last chunk back, all may have been passed on before the end was seen.
    return this.#watch !== undefined && !this.#ended;
  }

  override _read(): void {
    // Asked for when there is a connection to send it on, and not before.
    askForBody(this.#continueTo);
    this.#continueTo = undefined;
    this.#wantedAt ??= performance.now();
    this.#message.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#message.off('data', this.#onData);
    this.#message.off('end', this.#onEnd);
    this.#message.off('close', this.#onClose);
    // An upstream may answer before it has read the whole upload. Many clients send everything before they read, so
    // what is left is thrown away instead of left to block them.
    if (!this.#ended) this.#message.resume();
    callback(error);
  }

  readonly #onData = (chunk: Buffer): void => {
    notePassed(chunk.length);
    this.#onProgress();
    const now = performance.now();
    const fault = this.#paceFault(chunk.length, now) ?? this.#watch?.see(chunk);
    if (fault !== undefined) {
      this.destroy(fault);
      return;
    }
    let next: Buffer | undefined = chunk;
    if (this.#watch !== undefined) {
      next = this.#held;
      this.#held = chunk;
    }
    this.#wantedAt = now;
    if (next === undefined || this.push(next)) return;
    this.#wantedAt = undefined;
    this.#message.pause();
  };

  /** Only the client's own slowness counts: while the upstream takes nothing, nothing is expected of the client. */
  #paceFault(bytes: number, now: number): GatewayError | undefined {
    this.#bytes += bytes;
    if (this.#wantedAt === undefined) return undefined;
    this.#waitedMs += now - this.#wantedAt;
    return paceFault(this.#pace, this.#bytes, this.#waitedMs);
  }

  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#onProgress();
    if (this.#watch?.mayEnd() === false) {
      this.destroy(new BodyRefusedError());
      return;
    }
    if (this.#held !== undefined) this.push(this.#held);
    this.push(null);
  };

  readonly #onClose = (): void => {
    if (!this.#ended) this.destroy(new ClientGoneError(this.lacksEnd ? 'in part' : 'possibly'));
  };
}

/**
 * The message as a body to forward, or `undefined` when it has none: a request has a body exactly if it has
 * `Transfer-Encoding` or a `Content-Length` other than zero (RFC 9112 §6.3), whatever its method.
 */
export function bodyOf<M extends Pick<RequestHead, 'headers'>>(message: M): M | undefined {
  const length = message.headers['content-length'];
  const present = message.headers['transfer-encoding'] !== undefined || (length !== undefined && Number(length) !== 0);
  return present ? message : undefined;
}

function ignore(): void {}
