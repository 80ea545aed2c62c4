import { Counter, type Registry } from 'prom-client';
import type { Observer, PassEvent } from './observer.ts';

/** Passes sold, and the requests that came with one. */
export function createPassMetrics(registry: Registry): Pick<Observer, 'passNoted'> {
  const registers = [registry];
  const issued = new Counter({
    name: 'turnpike_passes_issued_total',
    help: 'Payments that bought or extended a pass.',
    labelNames: ['route'],
    registers,
  });
  const requests = new Counter({
    name: 'turnpike_pass_requests_total',
    help: 'Requests that brought a pass, by what came of it: served, returned (the API failed), or why it was refused.',
    labelNames: ['route', 'outcome'],
    registers,
  });
  return {
    passNoted({ kind, route }: PassEvent) {
      if (kind === 'issued') issued.inc({ route });
      else requests.inc({ route, outcome: kind });
    },
  };
}
