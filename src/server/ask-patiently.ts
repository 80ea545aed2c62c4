import { setTimeout as wait } from 'node:timers/promises';
import { isStoreFault } from '../domain/gateway-error.ts';

/** How long a start asks the ledger again for one thing, in milliseconds, and how often. */
const PATIENCE_MS = 10_000;
const PAUSE_MS = 250;

/**
 * Asks the ledger for something that a start needs. A ledger that was just opened and does not answer now, because its
 * server is busy or restarts, is asked again for ten seconds: a request fails at once, but a start would end the process.
 *
 * @param ask does no harm when it is done twice
 * @throws GatewayError `store_unavailable`
 */
export async function askPatiently<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await ask();
    } catch (fault) {
      if (!isStoreFault(fault) || performance.now() >= until) throw fault;
    }
    await wait(PAUSE_MS);
  }
}
