import type { MeterSpec } from '../domain/metered-price.ts';
import type { AnswerFacts, AnswerMeter } from './answer-meter.ts';
import { BodyMeter } from './body-meter.ts';
import { dialectNamed, dialectOfPath } from './dialect/dialects.ts';
import { jsonPointerDialect } from './dialect/json-pointer.ts';
import { ElapsedMeter, headerMeter, LengthMeter, statedMeter } from './plain-meters.ts';

/**
 * Opens a meter for an answer.
 *
 * @param clock Unix milliseconds
 * @param hidesUsage whether a stream's event with nothing but usage is kept from the buyer, who did not ask for it
 */
export function openAnswerMeter(
  spec: MeterSpec,
  answer: AnswerFacts,
  clock: () => number,
  hidesUsage = false,
): AnswerMeter {
  switch (spec.kind) {
    case 'family': {
      const named = spec.family === 'auto' ? undefined : dialectNamed(spec.family);
      return new BodyMeter(named ?? dialectOfPath(answer.path), answer, hidesUsage);
    }
    case 'json':
      return new BodyMeter(jsonPointerDialect(spec.pointer), answer, false);
    case 'header':
      return headerMeter(answer, spec.name);
    case 'upstream':
      return statedMeter(answer);
    case 'bytes':
      return new LengthMeter(answer);
    case 'seconds':
      return new ElapsedMeter(answer, clock);
  }
}
