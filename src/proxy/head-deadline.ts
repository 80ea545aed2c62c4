import type { Upload } from './request-body.ts';
import { CLIENT_STALL_MS } from './stream-limits.ts';
import { bodyTooSlow, UpstreamSilenceError } from './upstream-fault.ts';

/** An exchange whose wait for a head is bounded. */
export interface Awaiting {
  /** The time is up. */
  cutOff(error: Error): void;
}

/**
 * Bounds the wait for the head of a response. When it runs out, that is a fault of the upstream, unless the client's
 * upload is late: an upload may stall for {@link CLIENT_STALL_MS}.
 */
export class HeadDeadline {
  readonly #timeoutMs: number;
  readonly #upload: Pick<Upload, 'waitsForClient'> | undefined;
  readonly #awaiting: Awaiting;
  readonly #timer: NodeJS.Timeout;
  /** How long the client's upload has stood still, in milliseconds. */
  #stalledMs = 0;
  #isOver = false;

  /** Begins to run. */
  constructor(timeoutMs: number, upload: Pick<Upload, 'waitsForClient'> | undefined, awaiting: Awaiting) {
    this.#timeoutMs = timeoutMs;
    this.#upload = upload;
    this.#awaiting = awaiting;
    this.#timer = setTimeout(onExpiry, timeoutMs, this);
  }

  /** A part of the upload has arrived. */
  uploadMoved(): void {
    // `refresh` would start a cleared timer again.
    if (this.#isOver) return;
    this.#stalledMs = 0;
    this.#timer.refresh();
  }

  /** The head has arrived, or is no longer waited for. */
  end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  expire(): void {
    if (this.#upload?.waitsForClient !== true) {
      this.#awaiting.cutOff(new UpstreamSilenceError(`No response headers within ${this.#timeoutMs} ms.`));
      return;
    }
    this.#stalledMs += this.#timeoutMs;
    if (this.#stalledMs < CLIENT_STALL_MS) this.#timer.refresh();
    else this.#awaiting.cutOff(bodyTooSlow('The body stopped arriving.'));
  }
}

function onExpiry(deadline: HeadDeadline): void {
  deadline.expire();
}
