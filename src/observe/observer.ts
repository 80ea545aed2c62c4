import type { ErrorCode } from '../domain/gateway-error.ts';
import type { Route } from '../domain/route.ts';

/** How a request ended, in words that logs and metrics share. */
export type RequestOutcome =
  | 'free'
  | 'paid'
  | 'redelivered'
  | 'unpaid'
  | 'preflight'
  | 'refused'
  | 'failed'
  | 'client_gone';

/** What is known of a request when it is over. Holds no header, token or key. */
export interface RequestSummary {
  readonly requestId: string;
  readonly method: string;
  /** Canonical path; `undefined` where the target had none. */
  readonly path: string | undefined;
  readonly route: Route | undefined;
  readonly outcome: RequestOutcome;
  readonly code: ErrorCode | undefined;
  /** The reason given to the client, such as a specification's reason string. */
  readonly reason: string | undefined;
  readonly status: number;
  readonly payer: string | undefined;
  readonly transaction: string | undefined;
  readonly durationMs: number;
  /** Time waited for the upstream's response headers, in milliseconds. */
  readonly upstreamMs: number | undefined;
  /** What went wrong inside, for the log only. */
  readonly cause: unknown;
}

/** Takes note of what happens: logs, metrics. Never throws, never waits. */
export interface Observer {
  requestFinished(summary: RequestSummary): void;
}
