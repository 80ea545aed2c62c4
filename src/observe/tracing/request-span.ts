import {
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { GatewayError } from '../../domain/gateway-error.ts';
import type { RequestSummary } from '../observer.ts';
import type { RequestTrace, Stage, StageFacts, StageSpan, TraceContext } from '../tracer.ts';
import type { SpanTime } from './span-clock.ts';

/** Stages that call a server, which may have spans of its own below ours. */
const ASKS_A_SERVER: ReadonlySet<Stage> = new Set(['upstream', 'tunnel']);

/** Stages that are part of another. */
const WITHIN: Readonly<Partial<Record<Stage, Stage>>> = { verify: 'authorize' };

/** Results that mean a failure, in any stage. */
const TROUBLE: ReadonlySet<string> = new Set(['failed', 'unknown', 'upstream_broke']);

/** Methods that the semantic conventions name. Any other text from a client must not become a span's name. */
const METHODS: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'OPTIONS',
  'PATCH',
  'CONNECT',
  'TRACE',
  'QUERY',
]);

/** A request that is recorded: a server span, and spans of its stages below it. */
export class RequestSpan implements RequestTrace {
  readonly id: string;
  readonly #tracer: Tracer;
  readonly #span: Span;
  readonly #time: SpanTime;
  /** Stages can overlap: in shadow mode a payment is judged while the upstream works. */
  readonly #open = new Set<OpenStage>();

  /** @param context the span that the trace continues, if there is one */
  constructor(tracer: Tracer, context: Context, time: SpanTime) {
    this.#tracer = tracer;
    this.#time = time;
    this.#span = tracer.startSpan('HTTP', { kind: SpanKind.SERVER, startTime: time() }, context);
    this.id = this.#span.spanContext().traceId;
  }

  begin(stage: Stage): StageSpan {
    const kind = ASKS_A_SERVER.has(stage) ? SpanKind.CLIENT : SpanKind.INTERNAL;
    const parent = trace.setSpan(ROOT_CONTEXT, this.#parentOf(stage));
    const span = this.#tracer.startSpan(stage, { kind, startTime: this.#time() }, parent);
    return new OpenStage(stage, span, this.#open, this.#time);
  }

  #parentOf(stage: Stage): Span {
    const outer = WITHIN[stage];
    for (const open of this.#open) if (open.stage === outer) return open.span;
    return this.#span;
  }

  end(summary: RequestSummary): void {
    const { method, path, route, outcome, code, status } = summary;
    for (const open of this.#open) open.breakOff(code ?? outcome);
    const known = METHODS.has(method);
    this.#span.updateName(`${known ? method : 'HTTP'}${route === undefined ? '' : ` ${route.pattern.text}`}`);
    // Undefined attributes are left out.
    this.#span.setAttributes({
      'http.request.method': known ? method : '_OTHER',
      'http.request.method_original': known ? undefined : method,
      'url.path': path,
      'url.scheme': 'http',
      'http.route': route?.name,
      // A client that went before the head was written has got no status.
      'http.response.status_code': outcome === 'client_gone' && summary.headMs === undefined ? undefined : status,
      'turnpike.outcome': outcome,
      'turnpike.code': code,
      'turnpike.payer': summary.payer,
      'turnpike.pass': summary.pass,
      'turnpike.request_id': summary.requestId,
    });
    if (status >= 500) markFailed(this.#span, code ?? String(status));
    this.#span.end(this.#time());
  }
}

/** A stage that is recorded. */
class OpenStage implements StageSpan {
  readonly stage: Stage;
  readonly span: Span;
  readonly #all: Set<OpenStage>;
  readonly #time: SpanTime;

  /** @param all the open stages of the request, of which this is one until it ends */
  constructor(stage: Stage, span: Span, all: Set<OpenStage>, time: SpanTime) {
    this.stage = stage;
    this.span = span;
    this.#all = all;
    this.#time = time;
    all.add(this);
  }

  get context(): TraceContext {
    const { traceId, spanId, traceState } = this.span.spanContext();
    return contextOf(traceId, spanId, true, traceState?.serialize());
  }

  end(facts: StageFacts): void {
    const { outcome, status, facilitator, network, transaction } = facts;
    const errorType = errorTypeOf(facts);
    this.span.setAttributes({
      'turnpike.outcome': outcome,
      'http.response.status_code': status,
      'turnpike.facilitator': facilitator,
      'turnpike.network': network,
      'turnpike.transaction': transaction,
    });
    if (errorType !== undefined) markFailed(this.span, errorType);
    this.#close();
  }

  /** Ends the stage because the request ended with `errorType`. */
  breakOff(errorType: string): void {
    markFailed(this.span, errorType);
    this.#close();
  }

  #close(): void {
    this.#all.delete(this);
    this.span.end(this.#time());
  }
}

/** The headers of W3C Trace Context, version 00. */
export function contextOf(
  traceId: string,
  spanId: string,
  sampled: boolean,
  tracestate: string | undefined,
): TraceContext {
  return { traceparent: `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`, tracestate: tracestate || undefined };
}

/** Follows the semantic conventions for clients: any status from 400 on is an error, of the server or of ours. */
function errorTypeOf({ outcome, status, fault }: StageFacts): string | undefined {
  if (fault instanceof GatewayError) return fault.code;
  if (fault !== undefined) return fault instanceof Error ? fault.name : 'error';
  if (status !== undefined && status >= 400) return String(status);
  return outcome !== undefined && TROUBLE.has(outcome) ? outcome : undefined;
}

function markFailed(span: Span, errorType: string): void {
  span.setAttribute('error.type', errorType);
  span.setStatus({ code: SpanStatusCode.ERROR });
}
