import { readFileSync } from 'node:fs';
import { type Dispatcher, Pool } from 'undici';
import { openPaymentSigner, type PaymentSigner, payerFor } from '../payment-signer.ts';
import { type Job, takeJobs } from './lifeline.ts';

/*
 * The own load generator: kept-alive connections with one request at a time on each, and for paid calls a fresh signed
 * payment for every request, all of them signed before the clock starts.
 */

type LoadJob = Extract<Job, { kind: 'load' }>;

/** Goes through a list of requests, each of them once. */
class Run implements Dispatcher.DispatchHandler {
  done = 0;
  readonly #pool: Pool;
  readonly #path: string;
  readonly #status: number;
  readonly #headers: readonly string[];
  readonly #body: string | undefined;
  readonly #payments: string[] | undefined;
  readonly #cycle: Cycle | undefined;
  readonly #until: number;
  readonly #finished = Promise.withResolvers<void>();
  #open = 0;

  constructor(pool: Pool, job: LoadJob, payments: string[] | undefined, cycle: Cycle | undefined) {
    this.#pool = pool;
    this.#path = new URL(job.url).pathname;
    this.#status = job.status;
    this.#headers = Object.entries(job.headers).flat();
    this.#body = job.body;
    this.#payments = payments;
    this.#cycle = cycle;
    this.#until = performance.now() + job.seconds * 1000;
  }

  start(connections: number): Promise<void> {
    for (let i = 0; i < connections; i += 1) this.#next();
    return this.#finished.promise;
  }

  onRequestStart(): void {}

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (status === this.#status) return;
    controller.abort(new Error(`status ${status} after ${this.done} answers with ${this.#status}`));
  }

  onResponseData(): void {}

  onResponseEnd(): void {
    this.done += 1;
    this.#open -= 1;
    if (performance.now() < this.#until && this.#payments?.length !== 0) this.#next();
    else if (this.#open === 0) this.#finished.resolve();
  }

  onResponseError(_controller: Dispatcher.DispatchController, fault: Error): void {
    this.#finished.reject(fault);
  }

  #next(): void {
    this.#open += 1;
    const payment = this.#payments?.pop();
    const headers = [...this.#headers, ...(this.#cycle?.next() ?? [])];
    if (payment !== undefined) headers.push('PAYMENT-SIGNATURE', payment);
    const body = this.#body;
    const asked = body === undefined ? ({ method: 'GET' } as const) : ({ method: 'POST', body } as const);
    this.#pool.dispatch({ ...asked, path: this.#path, headers }, this);
  }
}

/** Gives one value of a header after another, and begins again. */
class Cycle {
  readonly #header: string;
  readonly #values: readonly string[];
  #at = 0;

  constructor(header: string, values: readonly string[]) {
    this.#header = header;
    this.#values = values;
  }

  next(): readonly string[] {
    const value = this.#values[this.#at % this.#values.length];
    this.#at += 1;
    return value === undefined ? [] : [this.#header, value];
  }
}

/** Where each file's cycle stands: the next turn goes on where the last one ended. */
const cycles = new Map<string, Cycle>();

function cycleOf({ header, file }: NonNullable<LoadJob['cycle']>): Cycle {
  const known = cycles.get(file);
  if (known !== undefined) return known;
  const cycle = new Cycle(header, readFileSync(file, 'utf8').trimEnd().split('\n'));
  cycles.set(file, cycle);
  return cycle;
}

async function load(job: Job, signer: PaymentSigner): Promise<number> {
  if (job.kind !== 'load') throw new Error(`a load generator does not ${job.kind}`);
  const { url, connections, payments, cycle } = job;
  const signed = payments === 0 ? undefined : await payerFor(url, signer).then((pay) => pay(payments));
  const pool = new Pool(new URL(url).origin, { connections, pipelining: 1 });
  try {
    const run = new Run(pool, job, signed, cycle && cycleOf(cycle));
    const startedAt = performance.now();
    await run.start(connections);
    return run.done / ((performance.now() - startedAt) / 1000);
  } finally {
    await pool.destroy();
  }
}

const signer = await openPaymentSigner();
takeJobs((job) => load(job, signer));
