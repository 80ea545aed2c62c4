import type { Logger } from '../../observe/log.ts';
import type { ReadinessCheck } from '../readiness-check.ts';
import type { FileContents } from '../reload/config-reading.ts';
import { ChangeOver } from './change-over.ts';
import type { ProcessEnd, WorkerProcess } from './processes.ts';
import { describeEnd, type SlotWorker, WorkerSlot } from './worker-slot.ts';

/** After so many failures of one slot in a row, and no other worker serving, the group is lost. */
const GIVE_UP_AFTER = 5;
/** Time after the drain timeout for settlements already requested, in milliseconds; then a worker is killed. */
const LAST_ACTS_MS = 15_000;

/** The parts of a group. */
export interface WorkerGroupDeps {
  readonly size: number;
  readonly fork: () => WorkerProcess;
  /** The configuration files that workers start with. */
  readonly contents: FileContents;
  readonly log: Logger;
  /** Called with each process before it receives or sends a message. */
  readonly forked: (worker: WorkerProcess) => void;
  /** Called with each worker that begins to serve. */
  readonly serving: (worker: WorkerProcess) => void;
  /** Called at pulses with the settlers in use; not while a worker is starting, because its settlers are not known. */
  readonly settlersInUse: (ids: ReadonlySet<string>) => void;
  /** Unix milliseconds. */
  readonly clock: () => number;
}

/** The workers: started together, replaced when they end, ended together. */
export class WorkerGroup {
  readonly #deps: WorkerGroupDeps;
  readonly #slots: readonly WorkerSlot[];
  readonly #started = Promise.withResolvers<string>();
  readonly #lost = Promise.withResolvers<Error>();
  readonly #changeOver = new ChangeOver();
  #contents: FileContents;
  #complete = false;
  #ending = false;

  constructor(deps: WorkerGroupDeps) {
    const { size, clock } = deps;
    this.#deps = deps;
    this.#contents = deps.contents;
    const events = {
      listening: (slot: WorkerSlot, worker: SlotWorker, url: string) => this.#listening(slot, worker, url),
      ended: (slot: WorkerSlot, worker: SlotWorker, stated: Error | undefined, end: ProcessEnd) =>
        this.#ended(slot, worker, stated, end),
      pulsed: () => this.#pulsed(),
    };
    const contents = (): FileContents => this.#contents;
    const fork = (): WorkerProcess => {
      const worker = deps.fork();
      deps.forked(worker);
      return worker;
    };
    this.#slots = Array.from(
      { length: size },
      (_, index) => new WorkerSlot({ number: index + 1, fork, contents, events, clock }),
    );
  }

  /**
   * Starts all workers, and resolves with the address when all of them serve.
   *
   * @throws Error the reason that a worker gave, or how it ended
   */
  async start(): Promise<string> {
    for (const slot of this.#slots) slot.fill();
    return await this.#started.promise;
  }

  /** Resolves when no worker serves any more and new ones keep failing: with the reason of the last one. */
  get lost(): Promise<Error> {
    return this.#lost.promise;
  }

  /** The last readiness checks of every worker. */
  checks(): readonly ReadinessCheck[] {
    return this.#slots.flatMap((slot) => slot.checks());
  }

  /** Whether each worker serves, without its own checks. */
  presence(): readonly ReadinessCheck[] {
    return this.#slots.map((slot) => slot.presence);
  }

  /**
   * Changes all workers to another configuration, or none. Workers that start meanwhile change afterwards.
   *
   * @throws Error the reason of a worker that cannot change
   */
  async reload(contents: FileContents): Promise<void> {
    await this.#changeOver.change(
      () => this.#serving(),
      contents,
      () => {
        this.#contents = contents;
      },
    );
    for (const worker of this.#serving()) this.#bringUpToDate(worker);
  }

  /** Tells all workers that the gateway is about to stop. They go on serving. */
  leave(): void {
    for (const { process } of this.#serving()) process.line.send({ kind: 'leave' });
  }

  /** Tells all workers to finish their requests, and resolves when all have ended. Kills workers that take too long. */
  async drain(withinMs: number): Promise<void> {
    const processes = this.#dismiss();
    for (const { line } of processes) line.send({ kind: 'drain', withinMs });
    const timer = setTimeout(() => {
      this.#deps.log.warn('workers that did not finish in time are ended');
      for (const process of processes) process.kill();
    }, withinMs + LAST_ACTS_MS);
    await Promise.all(processes.map(({ ended }) => ended));
    clearTimeout(timer);
  }

  /** Ends all workers at once. */
  async kill(): Promise<void> {
    const processes = this.#dismiss();
    for (const process of processes) process.kill();
    await Promise.all(processes.map(({ ended }) => ended));
  }

  /** Stops replacing workers. Returns the processes that are left. */
  #dismiss(): readonly WorkerProcess[] {
    this.#ending = true;
    for (const slot of this.#slots) slot.retire();
    return this.#slots.flatMap(({ worker }) => (worker === undefined ? [] : [worker.process]));
  }

  #listening(slot: WorkerSlot, worker: SlotWorker, url: string): void {
    this.#deps.serving(worker.process);
    this.#deps.log.info({ worker: slot.number, pid: worker.process.pid }, 'worker serves');
    this.#bringUpToDate(worker);
    if (this.#complete || !this.#slots.every((slot) => slot.serves)) return;
    this.#complete = true;
    this.#started.resolve(url);
  }

  #serving(): readonly SlotWorker[] {
    return this.#slots.flatMap(({ worker }) => (worker?.servingSince === undefined ? [] : [worker]));
  }

  /** Updates a worker that started while the configuration changed. If that fails, the worker is replaced. */
  #bringUpToDate(worker: SlotWorker): void {
    if (worker.contents === this.#contents) return;
    const behind = (): readonly SlotWorker[] => (worker.contents === this.#contents ? [] : [worker]);
    this.#changeOver.change(behind, this.#contents, () => {}).catch(() => worker.process.kill());
  }

  #pulsed(): void {
    const workers = this.#slots.flatMap(({ worker }) => (worker === undefined ? [] : [worker]));
    if (workers.some(({ servingSince }) => servingSince === undefined)) return;
    this.#deps.settlersInUse(new Set(workers.flatMap(({ settlers }) => settlers)));
  }

  #ended(slot: WorkerSlot, worker: SlotWorker, stated: Error | undefined, end: ProcessEnd): void {
    // A worker that ended with code 0 has left nothing behind.
    if (end.code !== 0) this.#leave(worker);
    if (this.#ending) return;
    const reason = stated ?? new Error(`worker ${slot.number} ${describeEnd(end)}`);
    const hopeless = slot.failures >= GIVE_UP_AFTER && !this.#slots.some((other) => other.serves);
    // A fault stated before all workers serve is one of the configuration or the machine: it is reported at once.
    if (hopeless || (!this.#complete && stated !== undefined)) {
      this.#ending = true;
      this.#started.reject(reason);
      this.#lost.resolve(reason);
      return;
    }
    const waitMs = slot.fillAgain();
    const facts = { worker: slot.number, pid: worker.process.pid, ended: reason.message, waitMs };
    this.#deps.log.error(facts, 'worker ended, another one takes its place');
  }

  /** This worker has certainly ended: another one takes up its work before its heartbeat counts as old. */
  #leave({ owner }: SlotWorker): void {
    const heir = this.#slots.find((slot) => slot.serves)?.worker;
    if (owner !== undefined) heir?.process.line.send({ kind: 'inherit', owner });
  }
}
