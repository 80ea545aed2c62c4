import type { DepartureListener, SignalledDeparture } from '../proxy/client-departure.ts';

/** Tells when a call is no longer waited for: its client has left, or has cancelled it. */
export class CallDeparture implements SignalledDeparture {
  readonly #client: SignalledDeparture;
  readonly #listeners: DepartureListener[] = [];
  #controller: AbortController | undefined;
  #cancelled = false;

  constructor(client: SignalledDeparture) {
    this.#client = client;
  }

  /** Whether it was cancelled by a client that is still there. */
  get cancelled(): boolean {
    return this.#cancelled && !this.#client.aborted;
  }

  get aborted(): boolean {
    return this.#cancelled || this.#client.aborted;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#cancelled) this.#controller.abort();
    return AbortSignal.any([this.#controller.signal, this.#client.signal]);
  }

  get isCut(): boolean {
    return this.#client.isCut;
  }

  addEventListener(type: 'abort', listener: DepartureListener): void {
    this.#listeners.push(listener);
    this.#client.addEventListener(type, listener);
  }

  removeEventListener(type: 'abort', listener: DepartureListener): void {
    const at = this.#listeners.indexOf(listener);
    if (at !== -1) this.#listeners.splice(at, 1);
    this.#client.removeEventListener(type, listener);
  }

  cancel(): void {
    if (this.aborted) return;
    this.#cancelled = true;
    for (const listener of [...this.#listeners]) listener.handleEvent();
    this.#controller?.abort();
  }
}
