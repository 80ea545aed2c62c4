import { UpstreamSilenceError } from './upstream-fault.ts';

/**
 * How long a client may let an exchange wait without a byte of progress, in milliseconds. The exchange holds one of the
 * limited connections to the upstream meanwhile: without a bound, a few clients that stop in the middle of an upload or
 * of an answer would keep everybody else out.
 */
export const CLIENT_STALL_MS = 60_000;

/** The exchange whose time is measured. */
export interface Timed {
  /** Whether it is the client that keeps bytes from moving. */
  readonly waitsForTaking: boolean;
  /** The time is up. */
  cutOff(error: UpstreamSilenceError): void;
}

/**
 * The limits of an exchange that are off by default: a pause inside the body, and the whole of it. Only the upstream's
 * time counts: while an answer is held for its payment both clocks stand still.
 */
export class StreamLimits {
  readonly #timed: Timed;
  readonly #idleMs: number | undefined;
  readonly #totalMs: number | undefined;
  #leftMs: number;
  #ranFrom = 0;
  #idle: NodeJS.Timeout | undefined;
  #total: NodeJS.Timeout | undefined;

  /** At least one of the two is given, in milliseconds. The clock of the whole begins to run. */
  constructor(timed: Timed, idleMs: number | undefined, totalMs: number | undefined) {
    this.#timed = timed;
    this.#idleMs = idleMs;
    this.#totalMs = totalMs;
    this.#leftMs = totalMs ?? 0;
    this.#runTotal();
  }

  /** The body flows. */
  flow(): void {
    this.#runTotal();
    if (this.#idleMs !== undefined) this.#idle = setTimeout(onIdle, this.#idleMs, this);
  }

  /** The head has arrived, or a body was read ahead: what comes next is not up to the upstream. */
  hold(): void {
    this.end();
    this.#leftMs = Math.max(1, this.#leftMs - (performance.now() - this.#ranFrom));
  }

  /** A byte has moved. */
  moved(): void {
    this.#idle?.refresh();
  }

  /** The exchange is over. */
  end(): void {
    clearTimeout(this.#idle);
    clearTimeout(this.#total);
    this.#idle = undefined;
  }

  /** Nothing has moved for the longest time allowed. A client that does not take its answer has a limit of its own. */
  fellIdle(): void {
    if (this.#timed.waitsForTaking) this.#idle?.refresh();
    else this.#timed.cutOff(new UpstreamSilenceError(`Nothing of the body within ${this.#idleMs} ms.`));
  }

  ranOut(): void {
    this.#timed.cutOff(new UpstreamSilenceError(`The exchange was not over within ${this.#totalMs} ms.`));
  }

  #runTotal(): void {
    if (this.#totalMs === undefined) return;
    this.#ranFrom = performance.now();
    this.#total = setTimeout(onRanOut, this.#leftMs, this);
  }
}

function onIdle(limits: StreamLimits): void {
  limits.fellIdle();
}

function onRanOut(limits: StreamLimits): void {
  limits.ranOut();
}
