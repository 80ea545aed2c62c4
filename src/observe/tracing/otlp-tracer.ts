import { ROOT_CONTEXT, type SpanContext, type Tracer as SpanMaker, TraceFlags, trace } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { AlwaysOnSampler, BatchSpanProcessor, RandomIdGenerator, TracerProvider } from '@opentelemetry/sdk-trace';
import type { TracingSpec } from '../../domain/plan.ts';
import type { RequestHeaders } from '../../domain/request-head.ts';
import { describeCause } from '../cause.ts';
import type { Logger } from '../log.ts';
import type { RequestTrace, StageSpan, TraceContext, Tracer } from '../tracer.ts';
import { incomingContext } from './incoming-context.ts';
import { contextOf, RequestSpan } from './request-span.ts';
import type { SpanClock } from './span-clock.ts';
import { SEND_MS, SpanSender } from './span-sender.ts';

/** How long a span waits for others to be sent with, in milliseconds. */
const BATCH_DELAY_MS = 1_000;
const BATCH_SPANS = 512;
/** Most spans that wait. More are dropped: memory stays bounded while the receiver is unavailable. */
const MOST_WAITING_SPANS = 4_096;
/** Longest attribute, in characters: a path can be as long as a request's head. */
const MOST_CHARACTERS = 1_024;
/** Least time between two warnings of lost spans, in milliseconds. */
const COMPLAINT_MS = 60_000;

/** What a tracer works with. */
export interface OtlpTracerDeps {
  /** `service.instance.id`: tells the processes of a gateway apart. */
  readonly instance: string;
  readonly log: Pick<Logger, 'warn'>;
  /** Unix milliseconds. */
  readonly clock: () => number;
  readonly spanClock: SpanClock;
  /** From 0 to 1, for sampling. */
  readonly random: () => number;
}

/** Opens a tracer that sends OTLP/HTTP. Connects when there is something to send. */
export function openOtlpTracer(spec: TracingSpec, deps: OtlpTracerDeps): Tracer {
  return new OtlpTracer(spec, deps);
}

class OtlpTracer implements Tracer {
  readonly #sample: number;
  readonly #deps: OtlpTracerDeps;
  readonly #sender: SpanSender;
  readonly #provider: TracerProvider;
  readonly #spans: SpanMaker;
  readonly #ids = new RandomIdGenerator();
  #lost = 0;
  #complainedAt = Number.NEGATIVE_INFINITY;

  constructor(spec: TracingSpec, deps: OtlpTracerDeps) {
    this.#sample = spec.sample;
    this.#deps = deps;
    this.#sender = new SpanSender(spec, (spans, fault) => this.#complain(spans, fault));
    this.#provider = new TracerProvider({
      sampler: new AlwaysOnSampler(),
      resource: resourceFromAttributes({ 'service.name': spec.serviceName, 'service.instance.id': deps.instance }),
      spanLimits: { attributeValueLengthLimit: MOST_CHARACTERS },
      spanProcessors: [
        new BatchSpanProcessor({
          exporter: this.#sender,
          maxExportBatchSize: BATCH_SPANS,
          maxQueueSize: MOST_WAITING_SPANS,
          scheduledDelayMillis: BATCH_DELAY_MS,
          // The sender has a limit of its own, which comes first.
          exportTimeoutMillis: 2 * SEND_MS,
        }),
      ],
    });
    this.#spans = this.#provider.getTracer('turnpike-gateway');
  }

  begin(headers: RequestHeaders, trusted: boolean): RequestTrace {
    const parent = incomingContext(headers, trusted);
    if (!this.#isSampled(parent, trusted)) {
      const id = parent?.traceId ?? this.#ids.generateTraceId();
      return new UnrecordedTrace(id, this.#ids.generateSpanId(), parent?.traceState?.serialize());
    }
    const context = parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
    return new RequestSpan(this.#spans, context, this.#deps.spanClock.forRequest());
  }

  async close(withinMs: number): Promise<void> {
    const timer = setTimeout(() => this.#sender.abort(), withinMs);
    // Lost spans were reported already.
    await this.#provider.shutdown().catch(() => {});
    // After a failed batch the provider does not wait for other batches; the sender does.
    await this.#sender.shutdown();
    clearTimeout(timer);
  }

  /**
   * Sampling ignores the trace's id, unlike in tracers that know all their callers: a stranger would choose ids that
   * are always recorded, or never.
   */
  #isSampled(parent: SpanContext | undefined, trusted: boolean): boolean {
    if (parent !== undefined && trusted) return (parent.traceFlags & TraceFlags.SAMPLED) !== 0;
    return this.#deps.random() < this.#sample;
  }

  #complain(spans: number, fault: unknown): void {
    this.#lost += spans;
    const now = this.#deps.clock();
    if (now - this.#complainedAt < COMPLAINT_MS) return;
    this.#deps.log.warn({ spans: this.#lost, cause: describeCause(fault) }, 'traces could not be sent');
    this.#complainedAt = now;
    this.#lost = 0;
  }
}

/** A request that is not recorded. Its trace goes on to the upstream, with the flag that says so. */
class UnrecordedTrace implements RequestTrace, StageSpan {
  readonly id: string;
  readonly #spanId: string;
  readonly #tracestate: string | undefined;

  constructor(id: string, spanId: string, tracestate: string | undefined) {
    this.id = id;
    this.#spanId = spanId;
    this.#tracestate = tracestate;
  }

  get context(): TraceContext {
    return contextOf(this.id, this.#spanId, false, this.#tracestate);
  }

  begin(): StageSpan {
    return this;
  }

  end(): void {}
}
