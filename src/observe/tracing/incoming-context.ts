import type { SpanContext } from '@opentelemetry/api';
import { parseTraceParent, TraceState } from '@opentelemetry/core';
import type { RequestHeaders } from '../../domain/request-head.ts';

/**
 * The trace that a request belongs to already, by its `traceparent`; `undefined` where it has none that is well formed.
 *
 * Any client may set a trace id: at worst it marks its own requests. `tracestate` is read from trusted peers only,
 * because vendors keep their decisions to record in it (`dd=s:2`), which would hold at the upstream.
 */
export function incomingContext(headers: RequestHeaders, trusted: boolean): SpanContext | undefined {
  const { traceparent, tracestate } = headers;
  // Two such headers arrive as one text, which does not parse.
  const parsed = typeof traceparent === 'string' ? parseTraceParent(traceparent) : null;
  if (parsed === null) return undefined;
  const context: SpanContext = { ...parsed, isRemote: true };
  if (!trusted || typeof tracestate !== 'string') return context;
  return { ...context, traceState: new TraceState(tracestate) };
}
