/** Failures in a row after which a server is left out: a single one occurs at every restart. */
const FAILURES_IN_A_ROW = 3;
/** How long a server is left out first, and at most, in milliseconds. Each trial that fails doubles the pause. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

/**
 * What requests have learned about one server: whether it can be reached and answers at all. The content of its answers
 * does not matter, a 500 counts as much as a 200.
 */
export class ServerHealth {
  /** From `serverName`. */
  readonly name: string;
  /** Requests and tunnels that are under way to it. */
  busy = 0;
  readonly #clock: () => number;
  #failures = 0;
  /** Zero while the server is not left out. */
  #pauseMs = 0;
  #leftOutAt = 0;
  #outUntil = 0;

  /** @param clock milliseconds that never go back */
  constructor(name: string, clock: () => number) {
    this.name = name;
    this.#clock = clock;
  }

  /** Whether the server is left out, as far as there is another one. */
  get isOut(): boolean {
    return this.#pauseMs > 0;
  }

  /** When it is tried again, on the clock given. */
  get outUntil(): number {
    return this.#outUntil;
  }

  /** Claims the trial of a server whose pause is over; one request in each pause gets it. */
  claimTrial(): boolean {
    const now = this.#clock();
    if (now < this.#outUntil) return false;
    this.#outUntil = now + this.#pauseMs;
    return true;
  }

  /** A response has begun. */
  answered(): void {
    if (this.#failures === 0) return;
    this.#failures = 0;
    this.#pauseMs = 0;
  }

  /** No connection came about, or it broke before a response began. */
  failed(): void {
    this.#failures += 1;
    if (this.#failures < FAILURES_IN_A_ROW) return;
    const now = this.#clock();
    // Requests that ran together fail together: that is one failure, not many.
    if (this.#pauseMs > 0 && now - this.#leftOutAt < this.#pauseMs) return;
    this.#pauseMs = this.#pauseMs === 0 ? FIRST_PAUSE_MS : Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
    this.#leftOutAt = now;
    this.#outUntil = now + this.#pauseMs;
  }

  /** The fault, for people; `undefined` for a server that answers. */
  get trouble(): string | undefined {
    if (this.#failures === 0) return undefined;
    const failures = `${this.#failures} failed in a row`;
    if (!this.isOut) return failures;
    const seconds = Math.max(0, Math.ceil((this.#outUntil - this.#clock()) / 1000));
    return `${failures}, left out, tried again in ${seconds} s`;
  }
}

/**
 * The health of every server this process knows, by name. It outlives plans: a reload does not forget which servers are
 * down.
 */
export class HealthBook {
  readonly #clock: () => number;
  readonly #servers = new Map<string, ServerHealth>();

  /** @param clock milliseconds that never go back */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock;
  }

  /** The one record of a server; it is begun where there is none. */
  of(name: string): ServerHealth {
    let health = this.#servers.get(name);
    if (health === undefined) {
      health = new ServerHealth(name, this.#clock);
      this.#servers.set(name, health);
    }
    return health;
  }
}
