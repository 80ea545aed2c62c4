import type { Channel, SettlerToWorker, WorkerToSettler } from '../../facilitator/relayed/settlement-channel.ts';
import type { MetricsSnapshot } from '../../observe/metrics.ts';
import type { ReadinessCheck } from '../readiness-check.ts';
import type { FileContents } from '../reload/config-reading.ts';
import type { StartFault } from './start-fault.ts';

/** The primary's messages to a worker. */
export type PrimaryMessage =
  /** Start serving with the configuration in these files: content by path. */
  | { readonly kind: 'begin'; readonly worker: number; readonly contents: FileContents }
  /** Announce the stop, and go on serving. */
  | { readonly kind: 'leave' }
  /** Open the configuration that these files hold beside the one in force. */
  | { readonly kind: 'prepare'; readonly reload: number; readonly contents: FileContents }
  /** Put the prepared configuration in force. */
  | { readonly kind: 'commit'; readonly reload: number }
  /** Close the prepared configuration. */
  | { readonly kind: 'abandon'; readonly reload: number }
  /** Accept nothing new, finish the requests in flight, end. */
  | { readonly kind: 'drain'; readonly withinMs: number }
  /** The process with this name in the ledger has ended: take up its work. */
  | { readonly kind: 'inherit'; readonly owner: string }
  | { readonly kind: 'measure'; readonly request: number }
  | { readonly kind: 'settlement'; readonly message: SettlerToWorker };

/** A worker's messages to the primary. */
export type WorkerMessage =
  /** It runs, and waits for `begin`. */
  | { readonly kind: 'hello' }
  /** It serves. `owner` is its name in the ledger. */
  | { readonly kind: 'listening'; readonly url: string; readonly owner: string }
  /** It cannot start, and ends. */
  | { readonly kind: 'failed'; readonly fault: StartFault }
  /** It is alive, with its readiness checks. Sent every {@link PULSE_MS}. */
  | {
      readonly kind: 'pulse';
      readonly checks: readonly ReadinessCheck[];
      /** Ids of its open facilitators whose settlements the primary sends. */
      readonly settlers: readonly string[];
    }
  /** The configuration is open and can be committed; or why not. */
  | { readonly kind: 'prepared'; readonly reload: number; readonly fault: StartFault | undefined }
  | { readonly kind: 'measured'; readonly request: number; readonly snapshot: MetricsSnapshot }
  | { readonly kind: 'settlement'; readonly message: WorkerToSettler };

/** How often a worker sends a pulse, in milliseconds. */
export const PULSE_MS = 1000;

/** The primary's end of the channel to a worker. */
export type LineToWorker = Channel<PrimaryMessage, WorkerMessage>;

/** A worker's end of the channel to the primary. */
export type LineToPrimary = Channel<WorkerMessage, PrimaryMessage>;

const FROM_PRIMARY: ReadonlySet<unknown> = new Set([
  'begin',
  'leave',
  'drain',
  'prepare',
  'commit',
  'abandon',
  'inherit',
  'measure',
  'settlement',
]);
const FROM_WORKER: ReadonlySet<unknown> = new Set([
  'hello',
  'listening',
  'failed',
  'pulse',
  'prepared',
  'measured',
  'settlement',
]);

/** Whether a message is one of the primary's. Its content is not checked: this same program wrote it. */
export function isPrimaryMessage(message: unknown): message is PrimaryMessage {
  return FROM_PRIMARY.has(kindOf(message));
}

/** Whether a message is one of a worker's. Its content is not checked: this same program wrote it. */
export function isWorkerMessage(message: unknown): message is WorkerMessage {
  return FROM_WORKER.has(kindOf(message));
}

/** The settlement messages of a channel, as a channel of their own. */
export function settlementsOfWorker(line: LineToPrimary): Channel<WorkerToSettler, SettlerToWorker> {
  return {
    gone: line.gone,
    send: (message) => line.send({ kind: 'settlement', message }),
    receive: (listener) =>
      line.receive((given) => {
        if (given.kind === 'settlement') listener(given.message);
      }),
  };
}

/** The other end of {@link settlementsOfWorker}. */
export function settlementsOfPrimary(line: LineToWorker): Channel<SettlerToWorker, WorkerToSettler> {
  return {
    gone: line.gone,
    send: (message) => line.send({ kind: 'settlement', message }),
    receive: (listener) =>
      line.receive((given) => {
        if (given.kind === 'settlement') listener(given.message);
      }),
  };
}

function kindOf(message: unknown): unknown {
  return typeof message === 'object' && message !== null && 'kind' in message ? message.kind : undefined;
}
