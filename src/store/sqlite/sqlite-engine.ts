import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { GatewayError } from '../../domain/gateway-error.ts';
import { type Dialect, type SqlEngine, type SqlRow, type Statement, UniqueViolation } from '../sql/sql-engine.ts';
import { StoreOpenError } from '../store-open-error.ts';
import type { Act, ActResult, SqliteFile, WorkerAnswer, WorkerTask } from './batch.ts';
import { sqliteDialect } from './sqlite-dialect.ts';

/** Most acts of one transaction: enough to share a disk write, few enough that nobody waits long. */
const BATCH_LIMIT = 256;

/** In a checkout the worker is TypeScript like this file; in `dist/` both are JavaScript. */
const WORKER = new URL(`./sqlite-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

/** An act and who waits for it. */
interface Job {
  readonly act: Act;
  readonly resolve: (rows: readonly (readonly SqlRow[])[]) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Starts the thread, which opens and migrates the file.
 *
 * @throws StoreOpenError
 */
export async function openSqliteEngine(file: SqliteFile): Promise<SqlEngine> {
  // Where `node:sqlite` is still experimental (Node 22), it says so on stderr in each process; here that is no news.
  const worker = new Worker(WORKER, { workerData: file, execArgv: ['--disable-warning=ExperimentalWarning'] });
  const answer = await firstAnswer(worker);
  if (answer.kind !== 'opened') {
    await worker.terminate();
    throw new StoreOpenError(answer.kind === 'refused' ? answer.message : 'the ledger cannot be opened');
  }
  return new SqliteEngine(worker);
}

/** Group commit: while a batch is on its way to the disk, what comes in gathers for the next one. */
class SqliteEngine implements SqlEngine {
  readonly dialect: Dialect = sqliteDialect;
  readonly #worker: Worker;
  #waiting: Job[] = [];
  #running: readonly Job[] = [];
  /** Why no statement can run any more. */
  #ended: Error | undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', (answer: WorkerAnswer) => this.#finish(answer));
    worker.on('error', (error) => this.#end(error));
    worker.on('exit', () => this.#end(new Error('the thread of the ledger has ended')));
    // Only work under way is a reason for the process to go on.
    worker.unref();
  }

  async run(statement: Statement): Promise<readonly SqlRow[]> {
    const [rows = []] = await this.runTogether([statement]);
    return rows;
  }

  runTogether(act: Act): Promise<readonly (readonly SqlRow[])[]> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) return reject(unavailable(this.#ended));
      this.#waiting.push({ act, resolve, reject });
      this.#startBatch();
    });
  }

  async close(): Promise<void> {
    if (this.#ended !== undefined) return;
    this.#worker.ref();
    const exit = once(this.#worker, 'exit');
    this.#tell({ kind: 'close' });
    await exit;
  }

  #startBatch(): void {
    if (this.#running.length > 0 || this.#waiting.length === 0) return;
    this.#running = this.#waiting.splice(0, BATCH_LIMIT);
    this.#worker.ref();
    this.#tell({ kind: 'batch', acts: this.#running.map(({ act }) => act) });
  }

  #tell(task: WorkerTask): void {
    this.#worker.postMessage(task);
  }

  #finish(answer: WorkerAnswer): void {
    const jobs = this.#running;
    this.#running = [];
    this.#worker.unref();
    this.#startBatch();
    if (answer.kind === 'done') {
      for (const [index, job] of jobs.entries()) settle(job, answer.results[index]);
    } else {
      const fault = unavailable(new Error(answer.kind === 'failed' ? answer.message : `it said ${answer.kind}`));
      for (const { reject } of jobs) reject(fault);
    }
  }

  #end(cause: Error): void {
    this.#ended ??= cause;
    const jobs = [...this.#running, ...this.#waiting];
    this.#running = [];
    this.#waiting = [];
    for (const { reject } of jobs) reject(unavailable(cause));
  }
}

function settle({ resolve, reject }: Job, result: ActResult | undefined): void {
  if (result?.kind === 'rows') resolve(result.rows);
  else if (result?.kind === 'not_unique') reject(new UniqueViolation());
  else reject(unavailable(new Error(result?.message ?? 'the thread of the ledger gave no answer')));
}

function unavailable(cause: Error): GatewayError {
  return new GatewayError('store_unavailable', { cause });
}

/** What the thread says first; it may also end, or not start at all. */
function firstAnswer(worker: Worker): Promise<WorkerAnswer> {
  return new Promise((resolve) => {
    const refuse = (reason: string): void =>
      resolve({ kind: 'refused', message: `the ledger cannot be opened\n  reason: ${reason}` });
    worker.once('message', resolve);
    worker.once('error', (error) => refuse(error.message));
    worker.once('exit', () => refuse('its thread ended before it said anything'));
  });
}
