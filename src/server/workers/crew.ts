import type { Logger } from '../../observe/log.ts';
import type { ReadinessCheck } from '../admin-listener.ts';
import type { ProcessEnd, WorkerProcess } from './processes.ts';
import { describeEnd, Seat, type SeatedWorker } from './seat.ts';

/** After so many workers in one place that did not last, with nobody else serving, the crew is lost. */
const GIVE_UP_AFTER = 5;
/** Milliseconds beyond the drain timeout for settlements that were asked for; then a worker is ended. */
const LAST_ACTS_MS = 15_000;

/** What a crew is made of. */
export interface CrewDeps {
  readonly size: number;
  readonly fork: () => WorkerProcess;
  /** What workers start on: content by path. */
  readonly files: ReadonlyMap<string, string>;
  readonly log: Logger;
  /** Is told of each process before it hears or says anything. */
  readonly hired: (worker: WorkerProcess) => void;
  /** Is told of each worker that serves now. */
  readonly serving: (worker: WorkerProcess) => void;
  /** Unix milliseconds. */
  readonly clock: () => number;
}

/** The workers: started together, replaced when they end, ended together. */
export class Crew {
  readonly #deps: CrewDeps;
  readonly #seats: readonly Seat[];
  readonly #started = Promise.withResolvers<string>();
  readonly #lost = Promise.withResolvers<Error>();
  #complete = false;
  #ending = false;

  constructor(deps: CrewDeps) {
    const { size, files, clock } = deps;
    this.#deps = deps;
    const events = {
      listening: (seat: Seat, worker: SeatedWorker, url: string) => this.#listening(seat, worker, url),
      ended: (seat: Seat, worker: SeatedWorker, stated: Error | undefined, end: ProcessEnd) =>
        this.#ended(seat, worker, stated, end),
    };
    const fork = (): WorkerProcess => {
      const worker = deps.fork();
      deps.hired(worker);
      return worker;
    };
    this.#seats = Array.from(
      { length: size },
      (_, index) => new Seat({ number: index + 1, fork, files, events, clock }),
    );
  }

  /**
   * Starts all workers, and resolves with the address when all of them serve.
   *
   * @throws Error the reason that a worker gave, or how it ended
   */
  async start(): Promise<string> {
    for (const seat of this.#seats) seat.fill();
    return await this.#started.promise;
  }

  /** Resolves when nobody serves any more and those that are started do not last: with the last one's reason. */
  get lost(): Promise<Error> {
    return this.#lost.promise;
  }

  /** What every worker said last of its readiness. */
  checks(): readonly ReadinessCheck[] {
    return this.#seats.flatMap((seat) => seat.checks());
  }

  /** Has all workers finish what they have, and resolves when all have ended. Those that take too long are ended. */
  async drain(drainTimeoutMs: number): Promise<void> {
    const processes = this.#dismiss();
    for (const { line } of processes) line.send({ kind: 'drain' });
    const timer = setTimeout(() => {
      this.#deps.log.warn('workers that did not finish in time are ended');
      for (const process of processes) process.kill();
    }, drainTimeoutMs + LAST_ACTS_MS);
    await Promise.all(processes.map(({ ended }) => ended));
    clearTimeout(timer);
  }

  /** Ends all workers at once. */
  async kill(): Promise<void> {
    const processes = this.#dismiss();
    for (const process of processes) process.kill();
    await Promise.all(processes.map(({ ended }) => ended));
  }

  /** From now on nobody is replaced. Returns who is left. */
  #dismiss(): readonly WorkerProcess[] {
    this.#ending = true;
    for (const seat of this.#seats) seat.retire();
    return this.#seats.flatMap(({ worker }) => (worker === undefined ? [] : [worker.process]));
  }

  #listening(seat: Seat, worker: SeatedWorker, url: string): void {
    this.#deps.serving(worker.process);
    this.#deps.log.info({ worker: seat.number, pid: worker.process.pid }, 'worker serves');
    if (this.#complete || !this.#seats.every((seat) => seat.serves)) return;
    this.#complete = true;
    this.#started.resolve(url);
  }

  #ended(seat: Seat, worker: SeatedWorker, stated: Error | undefined, end: ProcessEnd): void {
    // One that ended in order has left nothing behind.
    if (end.code !== 0) this.#leave(worker);
    if (this.#ending) return;
    const reason = stated ?? new Error(`worker ${seat.number} ${describeEnd(end)}`);
    const hopeless = seat.failures >= GIVE_UP_AFTER && !this.#seats.some((other) => other.serves);
    // What keeps the first ones from starting is wrong with the configuration or the machine, and said at once.
    if (hopeless || (!this.#complete && stated !== undefined)) {
      this.#ending = true;
      this.#started.reject(reason);
      this.#lost.resolve(reason);
      return;
    }
    const waitMs = seat.fillAgain();
    const facts = { worker: seat.number, pid: worker.process.pid, ended: reason.message, waitMs };
    this.#deps.log.error(facts, 'worker ended, another one takes its place');
  }

  /** What a worker held need not wait until its last beat is old: it has ended for certain. */
  #leave({ owner }: SeatedWorker): void {
    const heir = this.#seats.find((seat) => seat.serves)?.worker;
    if (owner !== undefined) heir?.process.line.send({ kind: 'inherit', owner });
  }
}
