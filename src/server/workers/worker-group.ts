import type { Logger } from '../../observe/log.ts';
import type { ReadinessCheck } from '../readiness-check.ts';
import type { FileContents } from '../reload/config-reading.ts';
import { ChangeOver } from './change-over.ts';
import type { ProcessEnd, WorkerProcess } from './processes.ts';
import { describeEnd, type SlotWorker, WorkerSlot } from './worker-slot.ts';

/** After so many workers in one place that did not last, with nobody else serving, the group is lost. */
const GIVE_UP_AFTER = 5;
/** Milliseconds beyond the drain timeout for settlements that were asked for; then a worker is ended. */
const LAST_ACTS_MS = 15_000;

/** What a group is made of. */
export interface WorkerGroupDeps {
  readonly size: number;
  readonly fork: () => WorkerProcess;
  /** What workers start on. */
  readonly contents: FileContents;
  readonly log: Logger;
  /** Is told of each process before it hears or says anything. */
  readonly forked: (worker: WorkerProcess) => void;
  /** Is told of each worker that serves now. */
  readonly serving: (worker: WorkerProcess) => void;
  /** Is told now and then which settlers are in use; never while that is not known of some worker. */
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

  /** Resolves when nobody serves any more and those that are started do not last: with the last one's reason. */
  get lost(): Promise<Error> {
    return this.#lost.promise;
  }

  /** What every worker said last of its readiness. */
  checks(): readonly ReadinessCheck[] {
    return this.#slots.flatMap((slot) => slot.checks());
  }

  /** Whether each worker serves, without what it says of itself. */
  presence(): readonly ReadinessCheck[] {
    return this.#slots.map((slot) => slot.presence);
  }

  /**
   * Has all workers go on under another configuration, or none. Those that start meanwhile follow.
   *
   * @throws Error the reason of one that cannot
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

  /** Tells all workers that the gateway is about to go. They serve on. */
  leave(): void {
    for (const { process } of this.#serving()) process.line.send({ kind: 'leave' });
  }

  /** Has all workers finish what they have, and resolves when all have ended. Those that take too long are ended. */
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

  /** From now on nobody is replaced. Returns who is left. */
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

  /** One that started while the configuration changed. It is replaced if it cannot follow. */
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
    // One that ended in order has left nothing behind.
    if (end.code !== 0) this.#leave(worker);
    if (this.#ending) return;
    const reason = stated ?? new Error(`worker ${slot.number} ${describeEnd(end)}`);
    const hopeless = slot.failures >= GIVE_UP_AFTER && !this.#slots.some((other) => other.serves);
    // What keeps the first ones from starting is wrong with the configuration or the machine, and said at once.
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

  /** What a worker held need not wait until its last beat is old: it has ended for certain. */
  #leave({ owner }: SlotWorker): void {
    const heir = this.#slots.find((slot) => slot.serves)?.worker;
    if (owner !== undefined) heir?.process.line.send({ kind: 'inherit', owner });
  }
}
