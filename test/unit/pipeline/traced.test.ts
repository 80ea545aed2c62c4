import { describe, expect, it } from 'vitest';
import type { RequestTrace, StageFacts } from '../../../src/observe/tracer.ts';
import { kindOf, traced, tracedNow } from '../../../src/pipeline/traced.ts';

const CONTEXT = { traceparent: '00-0', tracestate: undefined };

/** A trace that writes down what it is told. */
function recordingTrace(): { readonly trace: RequestTrace; readonly told: StageFacts[] } {
  const told: StageFacts[] = [];
  const trace: RequestTrace = {
    id: '0',
    begin: () => ({ context: CONTEXT, end: (facts) => told.push(facts) }),
    end: () => {},
  };
  return { trace, told };
}

describe('a traced stage', () => {
  it('says what its result was', async () => {
    const { trace, told } = recordingTrace();
    expect(await traced(trace, 'claim', async () => ({ kind: 'claimed' }), kindOf)).toEqual({ kind: 'claimed' });
    expect(
      tracedNow(
        trace,
        'accept',
        () => 1,
        (value) => ({ status: value }),
      ),
    ).toBe(1);
    expect(told).toEqual([{ outcome: 'claimed' }, { status: 1 }]);
  });

  it('says that it ended in a fault, and throws that fault', async () => {
    const { trace, told } = recordingTrace();
    const fault = new Error('broken');
    await expect(traced(trace, 'claim', () => Promise.reject(fault), kindOf)).rejects.toBe(fault);
    const accept = (): never => {
      throw fault;
    };
    expect(() => tracedNow(trace, 'accept', accept, kindOf)).toThrow(fault);
    expect(told).toEqual([{ fault }, { fault }]);
  });

  it('gives its trace to the server that it asks, and nothing where nothing is traced', async () => {
    const { trace } = recordingTrace();
    expect(
      await traced(
        trace,
        'upstream',
        async (context) => context,
        () => ({}),
      ),
    ).toBe(CONTEXT);
    expect(
      await traced(
        undefined,
        'upstream',
        async (context) => context,
        () => ({}),
      ),
    ).toBeUndefined();
  });
});
