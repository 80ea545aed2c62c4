import type { RequestHeaders } from '../domain/request-head.ts';
import type { RequestSummary } from './observer.ts';

/** A part of a request's story that has a span of its own. `verify` lies within `authorize`. */
export type Stage = 'accept' | 'admit' | 'authorize' | 'verify' | 'claim' | 'settle' | 'upstream' | 'relay' | 'tunnel';

/** What a server that is asked next is told of the trace: the headers of W3C Trace Context. */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate: string | undefined;
}

/** What became of a stage. A closed list: no header, token or key can slip in. */
export interface StageFacts {
  /** The kind of result, such as `valid` or `complete`. */
  readonly outcome?: string;
  /** Status of the upstream's answer. */
  readonly status?: number | undefined;
  /** The facilitator's name in the configuration. */
  readonly facilitator?: string;
  readonly network?: string;
  readonly transaction?: string | undefined;
  /** What was thrown. Its code or kind is told, its text is not. */
  readonly fault?: unknown;
}

/** A stage that is under way. */
export interface StageSpan {
  /** For a server that is asked in this stage. */
  readonly context: TraceContext;
  /** Ends the stage. A fault that ends the request may leave stages open: they end with it. */
  end(facts: StageFacts): void;
}

/** The trace of one request. */
export interface RequestTrace {
  /** 32 hex digits: what finds the request in whatever the traces are kept in. */
  readonly id: string;
  begin(stage: Stage): StageSpan;
  /** Ends the request and every stage that is open. */
  end(summary: RequestSummary): void;
}

/** Traces requests. Never throws, never waits, and drops what it cannot get rid of. */
export interface Tracer {
  /** @param trusted whether the peer's own trace is continued with its decision to record it */
  begin(headers: RequestHeaders, trusted: boolean): RequestTrace;
  /** Sends what is left, for at most `withinMs` milliseconds. */
  close(withinMs: number): Promise<void>;
}
