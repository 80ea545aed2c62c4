import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { GatewayError } from '../../domain/gateway-error.ts';
import {
  type Dialect,
  emptyRows,
  type SqlEngine,
  type SqlRow,
  type Statement,
  UniqueViolation,
} from '../sql/sql-engine.ts';
import { ForeignStoreError, StoreOpenError } from '../store-open-error.ts';
import type { Act, ActResult, SentResult, SentStatement, SqliteFile, WorkerAnswer, WorkerTask } from './batch.ts';
import { sqliteDialect } from './sqlite-dialect.ts';

/** Most acts of one transaction: enough to share a disk write, few enough that no call waits long. */
const BATCH_LIMIT = 256;

/** In a checkout the worker is TypeScript like this file; in `dist/` both are JavaScript. */
const WORKER = new URL(`./sqlite-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

/** An act and the caller that waits for it. */
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
  // Where `node:sqlite` is still experimental (Node 22), it warns on stderr in each process; operators have no use for
  // that.
  const worker = new Worker(WORKER, { workerData: file, execArgv: ['--disable-warning=ExperimentalWarning'] });
  const answer = await firstAnswer(worker);
  if (answer.kind !== 'opened') {
    await worker.terminate();
    if (answer.kind !== 'refused') throw new StoreOpenError('the ledger cannot be opened');
    throw answer.isForeign === true ? new ForeignStoreError(answer.message) : new StoreOpenError(answer.message);
  }
  return new SqliteEngine(worker);
}

/**
 * Group commit: the acts of one turn of the event loop share a batch, and acts that arrive while a batch is on its way
 * to the disk share the next one. A batch costs a message in each direction and a commit, which is more than its
 * statements cost.
 */
class SqliteEngine implements SqlEngine {
  readonly dialect: Dialect = sqliteDialect;
  readonly #worker: Worker;
  /** The numbers of the texts that the thread has, or gets with the next batch. */
  readonly #numbers = new Map<string, number>();
  #newTexts: string[] = [];
  /** The place of each column, by the names as they are sent. */
  readonly #columns = new Map<string, ReadonlyMap<string, number>>();
  #waiting: Job[] = [];
  #running: readonly Job[] = [];
  /** Whether a batch is to be sent at the end of this turn. */
  #isDue = false;
  /** Why no statement can run any more. */
  #ended: Error | undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', (answer: WorkerAnswer) => this.#finish(answer));
    worker.on('error', (error) => this.#end(error));
    worker.on('exit', () => this.#end(new LedgerFault('the thread of the ledger has ended')));
    // Only work under way keeps the process alive.
    worker.unref();
  }

  async run(statement: Statement): Promise<readonly SqlRow[]> {
    const [rows = []] = await this.runTogether([statement]);
    return rows;
  }

  runTogether(statements: readonly Statement[]): Promise<readonly (readonly SqlRow[])[]> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) return reject(unavailable(this.#ended));
      this.#waiting.push({ act: statements.map((statement) => this.#toSend(statement)), resolve, reject });
      this.#startSoon();
    });
  }

  async close(): Promise<void> {
    if (this.#ended !== undefined) return;
    this.#worker.ref();
    const exit = once(this.#worker, 'exit');
    this.#tell({ kind: 'close' });
    await exit;
  }

  #startSoon(): void {
    if (this.#isDue || this.#running.length > 0 || this.#waiting.length === 0) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      this.#startBatch();
    });
  }

  #startBatch(): void {
    // The thread may have ended meanwhile, and all waiting calls were rejected.
    if (this.#waiting.length === 0) return;
    this.#running = this.#waiting.splice(0, BATCH_LIMIT);
    this.#worker.ref();
    const texts = this.#newTexts;
    this.#newTexts = [];
    this.#tell({ kind: 'batch', texts, acts: this.#running.map(({ act }) => act) });
  }

  #toSend({ kind, name, text, values, gives }: Statement): SentStatement {
    if (name === undefined) return [kind, text, values, gives];
    let number = this.#numbers.get(text);
    if (number === undefined) {
      number = this.#numbers.size;
      this.#numbers.set(text, number);
      this.#newTexts.push(text);
    }
    return [kind, number, values, gives];
  }

  #rowsOf(sent: SentResult): readonly SqlRow[] {
    if (typeof sent === 'number') return emptyRows(sent);
    const { columns, rows } = sent;
    let places = this.#columns.get(columns);
    if (places === undefined) {
      places = new Map(columns.split(' ').map((name, place) => [name, place]));
      this.#columns.set(columns, places);
    }
    const known = places;
    return rows.map((values) => new PlacedRow(known, values));
  }

  #settle({ resolve, reject }: Job, result: ActResult | undefined): void {
    if (result?.kind === 'rows') resolve(result.rows.map((rows) => this.#rowsOf(rows)));
    else if (result?.kind === 'not_unique') reject(new UniqueViolation());
    else reject(unavailable(new LedgerFault(result?.message ?? 'the thread of the ledger gave no answer')));
  }

  #tell(task: WorkerTask): void {
    this.#worker.postMessage(task);
  }

  #finish(answer: WorkerAnswer): void {
    const jobs = this.#running;
    this.#running = [];
    this.#worker.unref();
    if (answer.kind === 'done') {
      for (const [index, job] of jobs.entries()) this.#settle(job, answer.results[index]);
    } else {
      const fault = unavailable(new LedgerFault(answer.kind === 'failed' ? answer.message : `it said ${answer.kind}`));
      for (const { reject } of jobs) reject(fault);
    }
    this.#startSoon();
  }

  #end(cause: Error): void {
    this.#ended ??= cause;
    const jobs = [...this.#running, ...this.#waiting];
    this.#running = [];
    this.#waiting = [];
    for (const { reject } of jobs) reject(unavailable(cause));
  }
}

/** What the thread reports. It has a name: logs leave out where it was made, which is always here. */
class LedgerFault extends Error {
  override readonly name = 'LedgerFault';
}

/** A row as a list of values; all rows of a statement share the places of the columns. */
class PlacedRow implements SqlRow {
  readonly #places: ReadonlyMap<string, number>;
  readonly #values: readonly unknown[];

  constructor(places: ReadonlyMap<string, number>, values: readonly unknown[]) {
    this.#places = places;
    this.#values = values;
  }

  get(column: string): unknown {
    const place = this.#places.get(column);
    return place === undefined ? undefined : this.#values[place];
  }
}

function unavailable(cause: Error): GatewayError {
  return new GatewayError('store_unavailable', { cause });
}

/** The first message of the thread; it may also end, or not start at all. */
function firstAnswer(worker: Worker): Promise<WorkerAnswer> {
  return new Promise((resolve) => {
    const refuse = (reason: string): void =>
      resolve({ kind: 'refused', message: `the ledger cannot be opened\n  reason: ${reason}` });
    worker.once('message', resolve);
    worker.once('error', (error) => refuse(error.message));
    worker.once('exit', () => refuse('its thread ended before it said anything'));
  });
}
