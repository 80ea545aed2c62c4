import { Gauge, type Registry } from 'prom-client';
import type { Network } from '../domain/network.ts';
import type { PaymentState } from '../domain/payment-state.ts';
import type { Observer, PaymentMove } from './observer.ts';
import { SeriesCounter } from './series-counter.ts';

/** Open settlements of one state, as the ledger counts them. */
export interface OpenSettlements {
  readonly state: PaymentState;
  readonly count: number;
  /** Unix milliseconds. */
  readonly oldestAt: number;
}

/** The states that count as open. */
const OPEN_STATES = ['owed', 'settling', 'unknown'] as const;

/** An offer of a price, as payments of it are counted. */
export interface OfferForSale {
  /** Id of the price. */
  readonly route: string;
  readonly network: Network;
  readonly asset: string;
  readonly scheme: string;
  /** Names of the protocols in which it can be paid. */
  readonly protocols: readonly string[];
  /** Whether its answers may go out before the money moves. */
  readonly onCredit: boolean;
}

/** Offers above which no series begins before its first payment: a scrape of tens of thousands costs too much. */
const MOST_BEGUN = 1000;

/** Results of payments, and open settlements. */
export interface PaymentMetrics extends Pick<Observer, 'paymentMoved'> {
  /**
   * Begins the series of what is for sale with 0: `increase()` sees no rise to the first value of a series, so that the
   * first payment after each start would be missing in reports of revenue, and the first debt would raise no alert.
   */
  noteForSale(offers: Iterable<OfferForSale>): void;
  /**
   * @param open `undefined` where the ledger could not be read: nothing is shown, since 0 would say that none is open
   * @param now Unix milliseconds
   */
  setOpenSettlements(open: readonly OpenSettlements[] | undefined, now: number): void;
}

/** Payments, revenue and open settlements. */
export function createPaymentMetrics(registry: Registry): PaymentMetrics {
  const registers = [registry];
  const payments = new SeriesCounter(registry, {
    name: 'turnpike_payments_total',
    help: 'What payments came to: settled, failed, defaulted, unknown (each time that an outcome is in doubt), released.',
    labelNames: ['route', 'network', 'scheme', 'protocol', 'outcome'],
  });
  const revenue = new SeriesCounter(registry, {
    name: 'turnpike_revenue_atomic_total',
    help: 'Settled money in atomic units of the asset. The ledger is exact; this is a float.',
    labelNames: ['route', 'network', 'asset'],
  });
  // Every process reads them from the same ledger: the highest value is true, not the sum.
  const open = new Gauge({
    name: 'turnpike_settlements_open',
    help: 'Settlements whose outcome is not certain yet, by state, of all processes on the ledger.',
    labelNames: ['state'],
    aggregator: 'max',
    registers,
  });
  const oldest = new Gauge({
    name: 'turnpike_settlements_open_age_seconds',
    help: 'Age of the settlement that has been open for longest, by state.',
    labelNames: ['state'],
    aggregator: 'max',
    registers,
  });
  return {
    noteForSale(offers) {
      const begun: OfferForSale[] = [];
      for (const offer of offers) {
        if (begun.length === MOST_BEGUN) return;
        begun.push(offer);
      }
      for (const { route, network, asset, scheme, protocols, onCredit } of begun) {
        revenue.of({ route, network, asset }).add(0);
        for (const protocol of protocols)
          for (const outcome of onCredit ? ['settled', 'defaulted'] : ['settled'])
            payments.of({ route, network, scheme, protocol, outcome }).add(0);
      }
    },
    paymentMoved({ record, to, settled }: PaymentMove) {
      const { route, network, scheme, protocol = 'unknown', asset, amount, settlement } = record;
      if (!settled && !OUTCOMES.has(to)) return;
      payments.of({ route, network, scheme, protocol, outcome: settled ? 'settled' : to }).add(1);
      if (settled) revenue.of({ route, network, asset }).add(Number(settlement?.amount ?? amount));
    },
    setOpenSettlements(counts, now) {
      open.reset();
      oldest.reset();
      if (counts === undefined) return;
      for (const state of OPEN_STATES) {
        const found = counts.find((entry) => entry.state === state);
        open.set({ state }, found?.count ?? 0);
        oldest.set({ state }, found === undefined ? 0 : Math.max(0, now - found.oldestAt) / 1000);
      }
    },
  };
}

/** States that count as an outcome when a step leads to them. All others are intermediate. */
const OUTCOMES: ReadonlySet<PaymentState> = new Set(['failed', 'defaulted', 'unknown', 'released']);
