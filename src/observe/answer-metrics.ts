import { Counter, type Registry } from 'prom-client';
import type { Observer } from './observer.ts';

/** Counts answers that were relayed and not kept, although `keepAnswers` is set for their route. */
export function createAnswerMetrics(registry: Registry): Pick<Observer, 'answerNotKept'> {
  const notKept = new Counter({
    name: 'turnpike_answers_not_kept_total',
    help: 'Answers that were relayed without being kept, because kept answers had no room in memory or in the store.',
    labelNames: ['route', 'room'],
    registers: [registry],
  });
  return { answerNotKept: ({ route, room }) => notKept.inc({ route, room }) };
}
