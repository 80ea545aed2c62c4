import type { IncomingMessage } from 'node:http';
import { GatewayError } from '../domain/gateway-error.ts';
import { notePassed } from '../engine/spent-buffers.ts';
import { type BodyWatch, type Pace, paceFault } from './upload-body.ts';
import { ClientGoneError } from './upstream-fault.ts';

/** How slowly a body may arrive that is read to its end first. */
export interface ReadingPace extends Pace {
  /** How long its client may be silent, in milliseconds. */
  readonly silenceMs: number;
}

/**
 * All of a body, if it has arrived one turn after its head was reported; else `undefined`. Most bodies arrive together
 * with their head: those take neither a listener nor a timer.
 *
 * @throws ClientGoneError
 */
export function takeArrived(message: IncomingMessage): Buffer | undefined {
  if (message.destroyed) throw new ClientGoneError();
  const { headers, readableLength } = message;
  if (headers['transfer-encoding'] !== undefined || readableLength !== Number(headers['content-length']))
    return undefined;
  const bytes: Buffer = message.read();
  // Reads to the end: until then Node keeps the message.
  message.resume();
  notePassed(bytes.length);
  return bytes;
}

/**
 * Shows a body that is still on its way to a watch, to its end. The rest of a refused body is read and dropped.
 *
 * @throws what the watch finds; GatewayError `request_timeout`; `ClientGoneError`
 */
export function readArriving(message: IncomingMessage, watch: BodyWatch, pace: ReadingPace): Promise<void> {
  return new ArrivingBody(message, watch, pace).end;
}

/** A body that is still on its way. */
class ArrivingBody {
  /** Rejects with the fault that ends the body early. */
  readonly end: Promise<void>;
  readonly #message: IncomingMessage;
  readonly #watch: BodyWatch;
  readonly #pace: ReadingPace;
  readonly #startedAt = performance.now();
  readonly #silence: NodeJS.Timeout;
  readonly #settle: PromiseWithResolvers<void>;
  #bytes = 0;

  constructor(message: IncomingMessage, watch: BodyWatch, pace: ReadingPace) {
    this.#message = message;
    this.#watch = watch;
    this.#pace = pace;
    this.#settle = Promise.withResolvers();
    this.end = this.#settle.promise;
    this.#silence = setTimeout(() => this.#fail(bodyIsLate()), pace.silenceMs);
    message.on('data', this.#onData);
    message.on('end', this.#onEnd);
    message.on('close', this.#onClose);
    message.resume();
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#silence.refresh();
    this.#bytes += chunk.length;
    const waitedMs = performance.now() - this.#startedAt;
    const fault = paceFault(this.#pace, this.#bytes, waitedMs) ?? see(chunk, this.#watch);
    if (fault !== undefined) this.#fail(fault);
  };

  readonly #onEnd = (): void => {
    this.#stop();
    this.#settle.resolve();
  };

  readonly #onClose = (): void => this.#fail(new ClientGoneError());

  #fail(fault: Error): void {
    this.#stop();
    // Many clients send everything before they read: the rest must not block them.
    this.#message.resume();
    this.#settle.reject(fault);
  }

  #stop(): void {
    clearTimeout(this.#silence);
    this.#message.off('data', this.#onData);
    this.#message.off('end', this.#onEnd);
    this.#message.off('close', this.#onClose);
  }
}

function see(chunk: Buffer, watch: BodyWatch): GatewayError | undefined {
  notePassed(chunk.length);
  return watch.see(chunk);
}

function bodyIsLate(): GatewayError {
  return new GatewayError('request_timeout', { detail: 'The body stopped arriving.' });
}
