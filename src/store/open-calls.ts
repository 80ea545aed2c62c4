import { GatewayError } from '../domain/gateway-error.ts';
import { InFlight } from '../domain/in-flight.ts';

/** Counts the calls that a store has accepted: closing it waits for them, and accepts no more. */
export class OpenCalls {
  readonly #running = new InFlight<Promise<unknown>>();
  #closed: Promise<void> | undefined;

  /**
   * Runs a call.
   *
   * @throws GatewayError `store_unavailable` after {@link close}
   */
  async run<Result>(call: () => Promise<Result>): Promise<Result> {
    if (this.#closed !== undefined) throw new GatewayError('store_unavailable', { cause: new Error('it is closed') });
    const running = call();
    const entry = this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.remove(entry);
    }
  }

  /** Waits for running calls, then releases what they need; once, however often it is called. */
  close(release: () => Promise<void>): Promise<void> {
    this.#closed ??= Promise.allSettled(this.#running.values).then(release);
    return this.#closed;
  }
}
