import type { FileContents } from '../reload/config-reading.ts';
import { restoreStartFault } from './start-fault.ts';
import type { SlotWorker } from './worker-slot.ts';

/** How long a worker may take to open a configuration, in milliseconds: longer than its facilitators may take. */
const PREPARE_MS = 30_000;

/** Changes workers to another configuration: all of them or none. */
export class ChangeOver {
  #last = 0;
  #work: Promise<unknown> = Promise.resolve();

  /**
   * Makes these workers open a configuration, and puts it in force when all of them could. A worker that ends meanwhile
   * does not prevent the change: its replacement gets the new configuration. Changes run one after the other.
   *
   * @param committed is called before the workers are told
   * @throws Error the reason of a worker that could not; nothing has changed then
   */
  async change(workers: () => readonly SlotWorker[], contents: FileContents, committed: () => void): Promise<void> {
    const turn = this.#work.then(() => this.#change(workers(), contents, committed));
    this.#work = turn.catch(() => {});
    await turn;
  }

  async #change(workers: readonly SlotWorker[], contents: FileContents, committed: () => void): Promise<void> {
    this.#last += 1;
    const reload = this.#last;
    const faults = await Promise.all(workers.map((worker) => prepare(worker, reload, contents)));
    const fault = faults.find((each) => each !== undefined);
    if (fault !== undefined) {
      for (const { process } of workers) process.line.send({ kind: 'abandon', reload });
      throw fault;
    }
    committed();
    for (const worker of workers) {
      worker.contents = contents;
      worker.process.line.send({ kind: 'commit', reload });
    }
  }
}

/** Why a worker cannot open a configuration; `undefined` when it can, or has ended. */
async function prepare({ process }: SlotWorker, reload: number, contents: FileContents): Promise<Error | undefined> {
  const { line } = process;
  const { promise, resolve } = Promise.withResolvers<Error | undefined>();
  const gone = (): void => resolve(undefined);
  if (line.gone.aborted) return undefined;
  line.gone.addEventListener('abort', gone, { once: true });
  const timer = setTimeout(() => resolve(new Error('a worker took too long to open the configuration')), PREPARE_MS);
  const hangUp = line.receive((message) => {
    if (message.kind !== 'prepared' || message.reload !== reload) return;
    resolve(message.fault && restoreStartFault(message.fault));
  });
  line.send({ kind: 'prepare', reload, contents });
  const fault = await promise;
  clearTimeout(timer);
  hangUp();
  line.gone.removeEventListener('abort', gone);
  return fault;
}
