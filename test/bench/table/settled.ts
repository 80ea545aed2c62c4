import { setTimeout as wait } from 'node:timers/promises';
import { scrape, sumOf } from '../../support/metrics.ts';
import type { Side } from '../suite.ts';

/** Payments that are signed for each second of a turn; a turn that runs out of them is shorter. */
export const PAYMENTS_PER_SECOND = 2000;

/** Between two looks, in milliseconds: what is open is counted ten times a second. */
const PERIOD_MS = 200;
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

/** Waits until a gateway has no settlement open. @throws Error after two minutes */
export async function settled(adminUrl: string): Promise<void> {
  const until = performance.now() + PATIENCE_MS;
  let open = Number.POSITIVE_INFINITY;
  while (open > 0) {
    if (performance.now() > until) throw new Error(`${open} settlements stay open`);
    await wait(PERIOD_MS);
    open = sumOf(await scrape(adminUrl), 'turnpike_settlements_open');
  }
}
