import type { RequestTrace, Stage, StageFacts, TraceContext } from '../observe/tracer.ts';

/**
 * Runs the work of a stage in a span of its own. Where nothing is traced this is a plain call, without an extra turn of
 * the event loop.
 *
 * @param work gets the trace context for servers that it calls
 * @param factsOf the attributes of the result; a fault is recorded by its code or kind
 */
export function traced<T>(
  trace: RequestTrace | undefined,
  stage: Stage,
  work: (context: TraceContext | undefined) => Promise<T>,
  factsOf: (result: T) => StageFacts,
): Promise<T> {
  return trace === undefined ? work(undefined) : inSpan(trace, stage, work, factsOf);
}

async function inSpan<T>(
  trace: RequestTrace,
  stage: Stage,
  work: (context: TraceContext | undefined) => Promise<T>,
  factsOf: (result: T) => StageFacts,
): Promise<T> {
  const span = trace.begin(stage);
  try {
    const result = await work(span.context);
    span.end(factsOf(result));
    return result;
  } catch (fault) {
    span.end({ fault });
    throw fault;
  }
}

/** {@link traced} for work that may return without a promise. */
export function tracedNow<T>(
  trace: RequestTrace | undefined,
  stage: Stage,
  work: () => T,
  factsOf: (result: T) => StageFacts,
): T {
  if (trace === undefined) return work();
  const span = trace.begin(stage);
  try {
    const result = work();
    span.end(factsOf(result));
    return result;
  } catch (fault) {
    span.end({ fault });
    throw fault;
  }
}

/** The attribute of a result that has a kind. */
export function kindOf({ kind }: { readonly kind: string }): StageFacts {
  return { outcome: kind };
}
