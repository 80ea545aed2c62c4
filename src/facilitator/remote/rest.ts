import { GatewayError } from '../../domain/gateway-error.ts';
import { readRetryAfter } from './retry-after.ts';

/** How long a facilitator is left alone that refused a settlement at its door and did not say for how long, in seconds. */
const REST_SECONDS = 30;

/** One time of being left alone. */
interface Pause {
  /** Unix milliseconds. */
  readonly until: number;
  readonly lastsMs: number;
  readonly why: string;
}

/** When a facilitator is left alone, because it refused a settlement without reading it. */
export class Rest {
  readonly #clock: () => number;
  #pause: Pause | undefined;

  /** @param clock Unix milliseconds */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** Why it is left alone for now, for operators; `undefined` when it is not. */
  get why(): string | undefined {
    return this.#leftMs > 0 ? this.#pause?.why : undefined;
  }

  /** Begins to leave it alone, after an answer with this status and `Retry-After`. */
  begin(status: number, retryAfter: string | undefined): void {
    const now = this.#clock();
    const lastsMs = (readRetryAfter(retryAfter, now) ?? REST_SECONDS) * 1000;
    this.#pause = { until: now + lastsMs, lastsMs, why: `it refuses to settle with HTTP status ${status}` };
  }

  /** The fault of a call that is not made meanwhile; `retryAfterSeconds` where the payment can come again sooner. */
  fault(retryAfterSeconds = Math.max(1, Math.ceil(this.#leftMs / 1000))): GatewayError {
    return new GatewayError('facilitator_overloaded', {
      cause: new Error(this.#pause?.why ?? 'it rests'),
      retryAfterSeconds,
    });
  }

  /** A clock that was put back must not make it rest for longer than it was told. */
  get #leftMs(): number {
    if (this.#pause === undefined) return 0;
    const left = this.#pause.until - this.#clock();
    return left <= this.#pause.lastsMs ? Math.max(0, left) : 0;
  }
}
