import type { Plan } from '../domain/plan.ts';
import type { Logger } from '../observe/log.ts';
import type { Tracer } from '../observe/tracer.ts';

/**
 * Opens the tracer that a plan asks for. Where it asks for none, nothing of OpenTelemetry is loaded.
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
  return openOtlpTracer(tracing, { instance, log, clock, random: Math.random });
}
