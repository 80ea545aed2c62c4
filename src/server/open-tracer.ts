import type { Plan } from '../domain/plan.ts';
import type { Logger } from '../observe/log.ts';
import type { Tracer } from '../observe/tracer.ts';
import { SpanClock } from '../observe/tracing/span-clock.ts';

/**
 * Opens the tracer of a plan. Without one, no code of OpenTelemetry is loaded.
 *
 * @param instance the name of this process
 * @param clock Unix milliseconds
 */
export async function openTracer(
  { tracing }: Plan,
  instance: string,
  { log, clock = Date.now }: { readonly log: Logger; readonly clock?: () => number },
): Promise<Tracer | undefined> {
  if (tracing === undefined) return undefined;
  const { openOtlpTracer } = await import('../observe/tracing/otlp-tracer.ts');
  const spanClock = new SpanClock({ wall: clock, monotonic: () => performance.now() });
  return openOtlpTracer(tracing, { instance, log, clock, spanClock, random: Math.random });
}
