import { once } from 'node:events';
import type { Server } from 'node:http';

/** What the parent asks a child to measure. */
export type Job =
  | {
      readonly kind: 'load';
      readonly url: string;
      readonly connections: number;
      readonly seconds: number;
      /** The only status that counts; any other one fails the job. */
      readonly status: number;
      /** Headers of every request. */
      readonly headers: Readonly<Record<string, string>>;
      /** Body of every request, which is a POST then; absent: a GET. */
      readonly body?: string | undefined;
      /** Payments to sign before the load begins, one for each request; 0 sends none. */
      readonly payments: number;
      /** A header whose values are the lines of a file, one after another and over again. */
      readonly cycle?: { readonly header: string; readonly file: string };
    }
  /** Check payments for so long. */
  | { readonly kind: 'check'; readonly with: 'turnpike' | 'viem'; readonly seconds: number }
  /** Settle payments for so long; the rate is payments per second, or payments per million gas. */
  | { readonly kind: 'settle'; readonly per: 'second' | 'million gas'; readonly seconds: number }
  /** Say which payments of a fixed list are good: the "rate" has one binary digit for each, the first the lowest. */
  | { readonly kind: 'judge'; readonly with: 'turnpike' | 'viem' };

/** Asks a URL at a steady rate, whether the answers before have come or not. */
export interface Pace {
  readonly kind: 'pace';
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  readonly perSecond: number;
}

/** Tells the parent where this process listens, and ends it when the parent has gone or let go of it. */
export function announce(url: string, close: () => Promise<void> = async () => {}): void {
  process.once('disconnect', () => {
    void close().finally(() => process.exit());
  });
  process.send?.({ url });
}

/** Listens on a free loopback port and announces it. */
export async function announceServer(server: Server): Promise<void> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  announce(`http://127.0.0.1:${address.port}`);
}

/** Does the parent's jobs, one after another. `measure` returns a rate per second. */
export function takeJobs(measure: (job: Job) => Promise<number>): void {
  answerEach(async (job: Job) => ({ perSecond: await measure(job) }));
}

/** The same for jobs whose answer is the latency of each request, in milliseconds. */
export function takePaces(measure: (pace: Pace) => Promise<readonly number[]>): void {
  answerEach(async (pace: Pace) => ({ latenciesMs: await measure(pace) }));
}

function answerEach<T>(answer: (job: T) => Promise<object>): void {
  process.on('message', (job: T) => {
    answer(job).then(
      (message) => process.send?.(message),
      (fault: unknown) => process.send?.({ error: String(fault) }),
    );
  });
  announce('');
}
