import { dirname, join } from 'node:path';
import type { Dimension } from './dimension.ts';
import { fillLedger } from './fill-ledger.ts';

/** Payments to sign for each second of load. */
const PAYMENTS_PER_SECOND = 4000;

/** More and more payments whose answer is out and whose settlement is open, while others are served in this settle mode. */
export function openSettlements(settle: 'after' | 'deferred'): Dimension {
  return {
    title: 'open settlements',
    load: `a paid call, settle: ${settle}`,
    sizes: [0, 100, 1_000, 10_000, 100_000],
    async open(bench, size) {
      const file = await bench.config({
        routes: `  - { path: /paid, price: $0.001, settle: ${settle} }\n`,
        keys: 'deferred: { maxUnsettled: 1000000, maxUnsettledPerPayer: 1000000 }\n',
        store: 'sqlite',
      });
      await fillLedger(join(dirname(file), 'ledger.db'), size, 'being settled');
      const command = await bench.commandOn(file);
      const facts = [{ name: 'start', unit: 'ms', value: command.readyAfterMs }];
      const url = `${command.url}/paid`;
      const side = bench.paidSide(`${size} open`, url, async () => undefined, PAYMENTS_PER_SECOND);
      return { side, pid: command.pid, facts };
    },
  };
}
