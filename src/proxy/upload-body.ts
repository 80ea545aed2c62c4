import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { ClientGoneError } from './upstream-fault.ts';

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
  #ended = false;

  /** `onProgress` is called for every chunk that came in and at the end. */
  constructor(message: IncomingMessage, onProgress: () => void) {
    super();
    this.#message = message;
    this.#onProgress = onProgress;
    // Faults are reported through undici while it listens; after that nobody needs them and they must not be thrown.
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

  override _read(): void {
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
    this.#onProgress();
    if (!this.push(chunk)) this.#message.pause();
  };

  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#onProgress();
    this.push(null);
  };

  readonly #onClose = (): void => {
    if (!this.#ended) this.destroy(new ClientGoneError());
  };
}

/**
 * The message as a body to forward, or `undefined` when it has none: a request has a body exactly if it has
 * `Transfer-Encoding` or a `Content-Length` other than zero (RFC 9112 §6.3), whatever its method.
 */
export function bodyOf(message: IncomingMessage): IncomingMessage | undefined {
  const length = message.headers['content-length'];
  const present = message.headers['transfer-encoding'] !== undefined || (length !== undefined && Number(length) !== 0);
  return present ? message : undefined;
}

function ignore(): void {}
