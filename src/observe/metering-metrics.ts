import { Counter, Histogram, type Registry } from 'prom-client';
import { formatDecimal } from '../domain/decimal.ts';
import type { ChargedAnswer, Observer } from './observer.ts';

/** Parts of the maximum. A maximum that is nearly reached is too low; a maximum that is hardly used is too high. */
const SHARES = [0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.999, 1];

/** The usage of calls that are charged by usage. */
export function createMeteringMetrics(registry: Registry): Pick<Observer, 'answerCharged'> {
  const registers = [registry];
  const units = new Counter({
    name: 'turnpike_metered_units_total',
    help: 'What was used and charged, by dimension: tokens, bytes, seconds, units. The ledger is exact; this is a float.',
    labelNames: ['route', 'dimension'],
    registers,
  });
  const missing = new Counter({
    name: 'turnpike_meter_missing_total',
    help: 'Answers that did not tell what was used, by the reason.',
    labelNames: ['route', 'reason'],
    registers,
  });
  const share = new Histogram({
    name: 'turnpike_metered_charge_ratio',
    help: 'The charge as a part of the maximum that the buyer signed for.',
    labelNames: ['route'],
    buckets: SHARES,
    registers,
  });
  return {
    answerCharged({ route, usage, amount, maximum }: ChargedAnswer) {
      if (maximum > 0n) share.observe({ route }, Number((amount * 1_000_000n) / maximum) / 1_000_000);
      if (usage === undefined) return;
      for (const [dimension, count] of usage.figures) units.inc({ route, dimension }, Number(formatDecimal(count)));
      if (usage.missing !== undefined) missing.inc({ route, reason: usage.missing });
      else if (usage.end !== 'complete') missing.inc({ route, reason: usage.end });
    },
  };
}
