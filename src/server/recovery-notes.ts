import { isStoreFault } from '../domain/gateway-error.ts';
import { describeCause } from '../observe/cause.ts';
import type { Logger } from '../observe/log.ts';
import type { Observer } from '../observe/observer.ts';
import { type Outages, STORE } from '../observe/outages.ts';
import type { RecoveryNotes } from '../recovery/payment-recovery.ts';

/** Logs and counts the steps of recovery. An unavailable ledger is one outage, not a line for each payment. */
export function recoveryNotes(log: Logger, observer: Observer, outages: Outages): RecoveryNotes {
  return {
    moved: (record, step) => {
      const { key, route, payer, settlement } = record;
      const { to, reason } = step;
      // The outcome is news, and not that it is asked for: each answer on credit comes this way.
      const level = to === 'settling' ? 'debug' : 'info';
      log[level](
        { key, route, payer, state: to, reason, transaction: settlement?.transaction },
        'payment changed state',
      );
      observer.paymentMoved({ record, to, settled: step.settlement !== undefined });
    },
    takenBack: ({ key, route, payer, settlement }) =>
      log.error({ key, route, payer, transaction: settlement?.transaction }, 'settlement is no longer on the chain'),
    heard: () => outages.worked(STORE),
    trouble: (what, fault) => {
      if (isStoreFault(fault)) outages.failed(STORE, fault);
      else log.warn({ what, cause: describeCause(fault) }, 'recovery has to wait');
    },
  };
}
