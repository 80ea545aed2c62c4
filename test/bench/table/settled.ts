import { setTimeout as wait } from 'node:timers/promises';
import { type Sample, scrape, sumOf } from '../../support/metrics.ts';
import type { Side } from '../suite.ts';

/** Payments that are signed for each second of a turn; a turn that runs out of them is shorter. */
export const PAYMENTS_PER_SECOND = 2000;

/** Between two looks, in milliseconds. */
const PERIOD_MS = 100;
/** How long the settlements of one turn may take, in milliseconds. */
const PATIENCE_MS = 120_000;

/** A side whose turn ends when what it answered is settled, so that no other side's turn is disturbed. */
export function untilSettled(side: Side, adminUrl: string): Side {
  return {
    ...side,
    async measure(seconds) {
      const rate = await side.measure(seconds);
      await settled(adminUrl);
      return rate;
    },
  };
}

/**
 * Waits until a gateway has settled every payment that it gave an answer for. It counts both as they happen; how many are
 * open it looks up now and then.
 *
 * @throws Error after two minutes
 */
export async function settled(adminUrl: string): Promise<void> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    const open = unsettledIn(await scrape(adminUrl));
    if (open <= 0) return;
    if (performance.now() > until) throw new Error(`${open} answers are not settled`);
    await wait(PERIOD_MS);
  }
}

/** Paid answers that are out, without those that are settled. */
export function unsettledIn(samples: readonly Sample[]): number {
  const answered = sumOf(samples, 'turnpike_requests_total', { outcome: 'paid' });
  return answered - sumOf(samples, 'turnpike_payments_total', { outcome: 'settled' });
}
