import { GatewayError } from '../../domain/gateway-error.ts';
import { readRetryAfter } from './retry-after.ts';

/** How long a facilitator rests that refused a settlement at its door without naming a time, in seconds. */
const REST_SECONDS = 30;

/** One time of rest. */
interface Pause {
  /** Unix milliseconds. */
  readonly until: number;
  readonly lastsMs: number;
  readonly why: string;
}

/** When a facilitator rests, because it refused a settlement without reading it. */
export class Rest {
  readonly #clock: () => number;
  #pause: Pause | undefined;

  /** @param clock Unix milliseconds */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** The reason for its rest, for operators; `undefined` when it does not rest. */
  get why(): string | undefined {
    return this.#leftMs > 0 ? this.#pause?.why : undefined;
  }

  /** Begins a rest, after an answer with this status and `Retry-After`. */
  begin(status: number, retryAfter: string | undefined): void {
    const now = this.#clock();
    const lastsMs = (readRetryAfter(retryAfter, now) ?? REST_SECONDS) * 1000;
    this.#pause = { until: now + lastsMs, lastsMs, why: whyRefused(status) };
  }

  /**
   * The fault of a call that is not made during a rest; `retryAfterSeconds` where the payment can come again sooner.
   */
  fault(retryAfterSeconds = Math.max(1, Math.ceil(this.#leftMs / 1000))): GatewayError {
    return new GatewayError('facilitator_overloaded', {
      cause: new Error(this.#pause?.why ?? 'it rests'),
      retryAfterSeconds,
    });
  }

  /** The fault of one payment that was refused with this status, which says nothing of other payments: no rest. */
  refusal(status: number): GatewayError {
    return new GatewayError('facilitator_overloaded', { cause: new Error(whyRefused(status)), retryAfterSeconds: 1 });
  }

  /** A clock that was put back must not prolong a rest. */
  get #leftMs(): number {
    if (this.#pause === undefined) return 0;
    const left = this.#pause.until - this.#clock();
    return left <= this.#pause.lastsMs ? Math.max(0, left) : 0;
  }
}

function whyRefused(status: number): string {
  return `it refuses to settle with HTTP status ${status}`;
}
