import type { ServerResponse } from 'node:http';

/** Is called once when the client has left. */
export interface DepartureListener {
  handleEvent(): void;
}

/**
 * Tells when a client has left: the part of an `AbortSignal` that an exchange needs, which an `AbortSignal` satisfies,
 * too.
 */
export interface Departure {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: DepartureListener): void;
  removeEventListener(type: 'abort', listener: DepartureListener): void;
}

/** The same, with a signal for callees that need one. */
export interface SignalledDeparture extends Departure {
  readonly signal: AbortSignal;
  /** Whether the client did not leave: the gateway, which had to stop, closed the connection. */
  readonly isCut: boolean;
}

/**
 * Whether the client of a request left before its answer was complete.
 *
 * It replaces an `AbortSignal` for each request, and creates one only on demand: signals hang on weak references, which
 * keep whole requests alive until the next full collection. That was a quarter of the time of a free request.
 */
export class ClientDeparture implements SignalledDeparture {
  aborted = false;
  isCut = false;
  /** The response to the client. */
  readonly res: ServerResponse;
  readonly #listeners: DepartureListener[] = [];
  /** Called when the answer is over or the connection is. */
  #atEnd: (() => void)[] | undefined;
  #controller: AbortController | undefined;

  constructor(res: ServerResponse) {
    this.res = res;
    res.on('close', () => {
      if (!res.writableFinished) this.#happen();
      if (this.#atEnd !== undefined) for (const listener of this.#atEnd) listener();
    });
  }

  /** Notes that the gateway is about to close the connection; to be called before it does. */
  noteCut(): void {
    if (!this.aborted) this.isCut = true;
  }

  /** Calls the listener when the answer or the connection has ended; at once if it has ended before. */
  onOver(listener: () => void): void {
    if (this.res.closed) listener();
    else if (this.#atEnd === undefined) this.#atEnd = [listener];
    else this.#atEnd.push(listener);
  }

  /** For callees that need a signal. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.aborted) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  addEventListener(_type: 'abort', listener: DepartureListener): void {
    this.#listeners.push(listener);
  }

  removeEventListener(_type: 'abort', listener: DepartureListener): void {
    const at = this.#listeners.indexOf(listener);
    if (at !== -1) this.#listeners.splice(at, 1);
  }

  #happen(): void {
    if (this.aborted) return;
    this.aborted = true;
    for (const listener of [...this.#listeners]) listener.handleEvent();
    this.#controller?.abort();
  }
}
