import { Counter, type Registry } from 'prom-client';
import type { FacilitatorCall, Observer } from './observer.ts';
import { SECONDS } from './seconds.ts';
import { SeriesCounter, type Tally } from './series-counter.ts';
import { type Durations, SeriesHistogram } from './series-histogram.ts';

/** The series of one operation of a facilitator, found once. */
interface CallSeries {
  readonly duration: Durations;
  /** By outcome. */
  readonly calls: Map<string, Tally>;
}

/** Calls of facilitators, and how long settlements take. */
export function createFacilitatorMetrics(registry: Registry): Pick<Observer, 'facilitatorCalled' | 'gasFailed'> {
  const calls = new SeriesCounter(registry, {
    name: 'turnpike_facilitator_requests_total',
    help: 'Calls of facilitators by what was asked and by what came of it: an answer, or a fault by its public code.',
    labelNames: ['facilitator', 'operation', 'outcome'],
  });
  const duration = new SeriesHistogram(registry, {
    name: 'turnpike_facilitator_duration_seconds',
    help: 'How long facilitators take to answer.',
    labelNames: ['facilitator', 'operation'],
    bounds: SECONDS,
  });
  const settlement = new SeriesHistogram(registry, {
    name: 'turnpike_settlement_duration_seconds',
    help: 'Time from asking for the money to knowing that it moved.',
    labelNames: ['network'],
    bounds: SECONDS,
  });
  const failedGas = new Counter({
    name: 'turnpike_failed_gas_total',
    help: 'Gas that settlements may have taken which were mined and moved no money.',
    labelNames: ['facilitator', 'network'],
    registers: [registry],
  });
  const series = new Map<string, CallSeries>();
  const settlements = new Map<string, Durations>();
  return {
    gasFailed: (facilitator, network, gas) => failedGas.inc({ facilitator, network }, Number(gas)),
    facilitatorCalled({ facilitator, operation, outcome, network, durationMs }: FacilitatorCall) {
      const of = found(series, `${operation} ${facilitator}`, () => ({
        duration: duration.of({ facilitator, operation }),
        calls: new Map(),
      }));
      found(of.calls, outcome, () => calls.of({ facilitator, operation, outcome })).add(1);
      of.duration.observe(durationMs);
      if (operation === 'settle' && outcome === 'settled' && network !== undefined) {
        found(settlements, network, () => settlement.of({ network })).observe(durationMs);
      }
    },
  };
}

function found<V>(map: Map<string, V>, key: string, find: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = find();
    map.set(key, value);
  }
  return value;
}
