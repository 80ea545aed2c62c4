import type { ReadinessCheck } from '../readiness-check.ts';
import type { FileContents } from '../reload/config-reading.ts';
import type { ProcessEnd, WorkerProcess } from './processes.ts';
import { restoreStartFault } from './start-fault.ts';
import { PULSE_MS, type WorkerMessage } from './worker-line.ts';

/** Milliseconds without a pulse after which a worker counts as not ready. */
const STALE_MS = 5 * PULSE_MS;
/** How long a worker may take until it serves, in milliseconds; then it is ended and counts as failed. */
const BOOT_MS = 60_000;
/** A worker that served for this time, in milliseconds, resets the failures of its slot. */
const STEADY_MS = 30_000;
/** First and longest wait before a replacement after more than one failure, in milliseconds. */
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 15_000;

/** The events of a slot's worker. */
export interface WorkerSlotEvents {
  /** It serves, at `url`. */
  listening(slot: WorkerSlot, worker: SlotWorker, url: string): void;
  /** It sent a pulse. */
  pulsed(): void;
  /** It has ended. `stated` is the reason that it gave, where it could not start. */
  ended(slot: WorkerSlot, worker: SlotWorker, stated: Error | undefined, end: ProcessEnd): void;
}

/** A worker and what is known of it. */
export interface SlotWorker {
  readonly process: WorkerProcess;
  /** Unix milliseconds since when it serves. */
  servingSince: number | undefined;
  /** Its name in the ledger. */
  owner: string | undefined;
  checks: readonly ReadinessCheck[];
  pulseAt: number;
  /** The configuration files that it runs with; `undefined` before it was told to begin. */
  contents: FileContents | undefined;
  /** Ids of its open facilitators whose settlements the primary sends. */
  settlers: readonly string[];
}

/** The parts of a slot. */
export interface WorkerSlotDeps {
  readonly number: number;
  readonly fork: () => WorkerProcess;
  /** The configuration files for a worker that starts now. */
  readonly contents: () => FileContents;
  readonly events: WorkerSlotEvents;
  /** Unix milliseconds. */
  readonly clock: () => number;
}

/** A worker slot: its present worker, and how many workers in a row have failed. */
export class WorkerSlot {
  readonly number: number;
  readonly #deps: WorkerSlotDeps;
  #worker: SlotWorker | undefined;
  #lastEnd = 'starting';
  #failures = 0;
  #waiting: NodeJS.Timeout | undefined;

  constructor(deps: WorkerSlotDeps) {
    this.number = deps.number;
    this.#deps = deps;
  }

  /** The worker of this slot, serving or still starting. */
  get worker(): SlotWorker | undefined {
    return this.#worker;
  }

  get serves(): boolean {
    return this.#worker?.servingSince !== undefined;
  }

  /** Workers of this slot that ended one after the other, each before it had served for {@link STEADY_MS}. */
  get failures(): number {
    return this.#failures;
  }

  /** Starts a worker. */
  fill(): void {
    const { fork, events, clock } = this.#deps;
    const process = fork();
    const worker: SlotWorker = {
      process,
      servingSince: undefined,
      owner: undefined,
      checks: [],
      pulseAt: clock(),
      contents: undefined,
      settlers: [],
    };
    this.#worker = worker;
    let stated: Error | undefined;
    const boot = setTimeout(() => process.kill(), BOOT_MS);
    process.line.receive((message) => {
      if (message.kind === 'failed') stated = restoreStartFault(message.fault);
      if (message.kind === 'listening') clearTimeout(boot);
      this.#hear(worker, message);
    });
    void process.ended.then((end) => {
      clearTimeout(boot);
      this.#worker = undefined;
      const served = worker.servingSince === undefined ? 0 : clock() - worker.servingSince;
      this.#failures = served >= STEADY_MS ? 0 : this.#failures + 1;
      this.#lastEnd = stated?.message ?? describeEnd(end);
      events.ended(this, worker, stated, end);
    });
  }

  /**
   * Starts another worker: at once, or after a wait when several in a row have failed. Returns the wait in
   * milliseconds.
   */
  fillAgain(): number {
    const waitMs =
      this.#failures <= 1 ? 0 : Math.min(FIRST_WAIT_MS * 2 ** Math.min(this.#failures - 2, 10), LONGEST_WAIT_MS);
    this.#waiting = setTimeout(() => this.fill(), waitMs);
    return waitMs;
  }

  /** Starts no more workers. */
  retire(): void {
    clearTimeout(this.#waiting);
  }

  /** Whether the slot has a worker that serves and sends pulses. */
  get presence(): ReadinessCheck {
    const check = { name: `worker ${this.number}`, scope: 'process' } as const;
    const worker = this.#worker;
    if (worker === undefined) return { ...check, ready: false, detail: this.#lastEnd };
    if (worker.servingSince === undefined) return { ...check, ready: false, detail: 'starting' };
    if (this.#deps.clock() - worker.pulseAt > STALE_MS) return { ...check, ready: false, detail: 'does not answer' };
    return { ...check, ready: true };
  }

  /** The worker's last readiness checks, or the one check that says why there are none. */
  checks(): readonly ReadinessCheck[] {
    const { presence } = this;
    if (!presence.ready) return [presence];
    return (this.#worker?.checks ?? []).map((check) => ({ ...check, name: `${presence.name}: ${check.name}` }));
  }

  #hear(worker: SlotWorker, message: WorkerMessage): void {
    const { number, contents, events, clock } = this.#deps;
    switch (message.kind) {
      case 'hello':
        worker.contents = contents();
        worker.process.line.send({ kind: 'begin', worker: number, contents: worker.contents });
        return;
      case 'listening':
        worker.servingSince = clock();
        worker.owner = message.owner;
        events.listening(this, worker, message.url);
        return;
      case 'pulse':
        worker.checks = message.checks;
        worker.pulseAt = clock();
        worker.settlers = message.settlers;
        events.pulsed();
        return;
      case 'failed':
      case 'prepared':
      case 'measured':
      case 'settlement':
    }
  }
}

/** How a process ended, in words. */
export function describeEnd({ code, signal }: ProcessEnd): string {
  return signal === null ? `ended with code ${code}` : `ended by ${signal}`;
}
