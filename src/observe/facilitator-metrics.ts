import { Counter, Histogram, type Registry } from 'prom-client';
import type { FacilitatorCall, Observer } from './observer.ts';
import { SECONDS } from './seconds.ts';

/** Calls of facilitators, and how long settlements take. */
export function createFacilitatorMetrics(registry: Registry): Pick<Observer, 'facilitatorCalled' | 'gasFailed'> {
  const registers = [registry];
  const calls = new Counter({
    name: 'turnpike_facilitator_requests_total',
    help: 'Calls of facilitators by what was asked and by what came of it: an answer, or a fault by its public code.',
    labelNames: ['facilitator', 'operation', 'outcome'],
    registers,
  });
  const duration = new Histogram({
    name: 'turnpike_facilitator_duration_seconds',
    help: 'How long facilitators take to answer.',
    labelNames: ['facilitator', 'operation'],
    buckets: SECONDS,
    registers,
  });
  const settlement = new Histogram({
    name: 'turnpike_settlement_duration_seconds',
    help: 'Time from asking for the money to knowing that it moved.',
    labelNames: ['network'],
    buckets: SECONDS,
    registers,
  });
  const failedGas = new Counter({
    name: 'turnpike_failed_gas_total',
    help: 'Gas that settlements may have taken which were mined and moved no money.',
    labelNames: ['facilitator', 'network'],
    registers,
  });
  return {
    gasFailed: (facilitator, network, gas) => failedGas.inc({ facilitator, network }, Number(gas)),
    facilitatorCalled({ facilitator, operation, outcome, network, durationMs }: FacilitatorCall) {
      calls.inc({ facilitator, operation, outcome });
      duration.observe({ facilitator, operation }, durationMs / 1000);
      if (operation === 'settle' && outcome === 'settled' && network !== undefined) {
        settlement.observe({ network }, durationMs / 1000);
      }
    },
  };
}
