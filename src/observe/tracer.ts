import type { RequestHeaders } from '../domain/request-head.ts';
import type { RequestSummary } from './observer.ts';

/** A part of a request that has a span of its own. `verify` lies within `authorize`. */
export type Stage = 'accept' | 'admit' | 'authorize' | 'verify' | 'claim' | 'settle' | 'upstream' | 'relay' | 'tunnel';

/** The trace for the next server, which may continue it: the headers of W3C Trace Context. */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate: string | undefined;
}

/** The result of a stage. A closed list: no header, token or key can slip in. */
export interface StageFacts {
  /** The kind of result, such as `valid` or `complete`. */
  readonly outcome?: string;
  /** Status of the upstream's answer. */
  readonly status?: number | undefined;
  /** The facilitator's name in the configuration. */
  readonly facilitator?: string;
  readonly network?: string;
  readonly transaction?: string | undefined;
  /** The fault that was thrown. Its code or kind is recorded, its text is not. */
  readonly fault?: unknown;
}

/** A stage that is under way. */
export interface StageSpan {
  /** For the server that this stage calls. */
  readonly context: TraceContext;
  /** Ends the stage. A fault that ends the request may leave stages open: they end with it. */
  end(facts: StageFacts): void;
}

/** The trace of one request. */
export interface RequestTrace {
  /** 32 hex digits, by which the request is found where traces are kept. */
  readonly id: string;
  begin(stage: Stage): StageSpan;
  /** Ends the request and every stage that is open. */
  end(summary: RequestSummary): void;
}

/** Traces requests. Never throws, never waits, and drops spans that it cannot send. */
export interface Tracer {
  /** @param trusted whether the peer's own trace is continued with its decision to record it */
  begin(headers: RequestHeaders, trusted: boolean): RequestTrace;
  /** Sends the remaining spans, for at most `withinMs` milliseconds. */
  close(withinMs: number): Promise<void>;
}
