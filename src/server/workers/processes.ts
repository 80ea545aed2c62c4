import cluster, { type Worker } from 'node:cluster';
import process from 'node:process';
import {
  isPrimaryMessage,
  isWorkerMessage,
  type LineToPrimary,
  type LineToWorker,
  type PrimaryMessage,
  type WorkerMessage,
} from './worker-line.ts';

/*
 * The only place that knows `node:cluster` and this process's line to its parent.
 */

/** How a process ended. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: string | null;
}

/** A worker process, for the primary. */
export interface WorkerProcess {
  readonly pid: number | undefined;
  readonly line: LineToWorker;
  /** Resolves when the process has ended. */
  readonly ended: Promise<ProcessEnd>;
  /** Ends it at once. */
  kill(): void;
}

/** A worker's message channel to the primary. */
export interface PrimaryLine extends LineToPrimary {
  /** Sends the pending messages and disconnects. The process ends with that. */
  hangUp(): Promise<void>;
}

/** Marks our own workers: other programs that run this one in a cluster of theirs set Node's variable, too. */
const MARK = 'TURNPIKE_WORKER';

/** Starts one more process with this one's command line. Its output goes where this one's goes. */
export function forkWorker(): WorkerProcess {
  // `advanced`, since amounts are bigints.
  cluster.setupPrimary({ serialization: 'advanced' });
  const worker = cluster.fork({ [MARK]: '1' });
  const ended = new Promise<ProcessEnd>((resolve) => {
    worker.once('exit', (code: number | null, signal: string | null) => resolve({ code, signal }));
  });
  // Errors of a process that has ended. `ended` reports that end.
  worker.on('error', () => {});
  return { pid: worker.process.pid, line: lineTo(worker), ended, kill: () => worker.process.kill('SIGKILL') };
}

/**
 * The message channel to the primary, where this process is a worker; `undefined` elsewhere. From then on only the
 * primary acts on signals: a terminal and a supervisor send them to all processes of a group.
 *
 * @param env this process's environment
 */
export function openPrimaryLine(env: Readonly<Record<string, string | undefined>>): PrimaryLine | undefined {
  if (!cluster.isWorker || env[MARK] === undefined) return undefined;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) process.on(signal, () => {});
  const gone = new AbortController();
  // Node ends a worker when its primary is gone. Nothing that this process holds may go on without the primary.
  process.once('disconnect', () => gone.abort(new Error('the primary has ended')));
  let sending = Promise.resolve();
  return {
    gone: gone.signal,
    send(message: WorkerMessage) {
      if (!process.connected) return;
      const sent = new Promise<void>((resolve) => {
        process.send?.(message, undefined, undefined, () => resolve());
      });
      sending = sending.then(() => sent);
    },
    receive(listener: (message: PrimaryMessage) => void) {
      const hear = (message: unknown): void => {
        if (isPrimaryMessage(message)) listener(message);
      };
      process.on('message', hear);
      return () => process.off('message', hear);
    },
    async hangUp() {
      await sending;
      if (process.connected) process.disconnect();
    },
  };
}

function lineTo(worker: Worker): LineToWorker {
  const gone = new AbortController();
  // `disconnect` comes after the last message was read; the exit may come before that.
  worker.once('disconnect', () => gone.abort(new Error('the worker has ended')));
  return {
    gone: gone.signal,
    send(message: PrimaryMessage) {
      if (worker.isConnected()) worker.send(message, () => {});
    },
    receive(listener: (message: WorkerMessage) => void) {
      const hear = (message: unknown): void => {
        if (isWorkerMessage(message)) listener(message);
      };
      worker.on('message', hear);
      return () => worker.off('message', hear);
    },
  };
}
