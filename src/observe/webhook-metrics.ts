import { Counter, Gauge, type Registry } from 'prom-client';

/** The result of one attempt to deliver an event. */
export type WebhookOutcome = 'delivered' | 'failed' | 'gone' | 'given_up';

/** Attempts to deliver events, and events that wait. */
export interface WebhookMetrics {
  webhookAttempted(outcome: WebhookOutcome): void;
  /**
   * @param waiting `undefined` while the store cannot be asked: an old count says nothing, so nothing is shown
   * @param now Unix milliseconds
   */
  setWaitingEvents(waiting: WaitingCount | undefined, now: number): void;
}

/** Events that receivers have not been told yet. */
export interface WaitingCount {
  readonly count: number;
  /** Unix milliseconds of the oldest event; `undefined` when nothing waits. */
  readonly oldestAt: number | undefined;
}

/** Messages to receivers. */
export function createWebhookMetrics(registry: Registry): WebhookMetrics {
  const registers = [registry];
  const attempts = new Counter({
    name: 'turnpike_webhooks_total',
    help: 'Messages to receivers of payment events: delivered, failed (tried again), gone (410), given_up (after three days).',
    labelNames: ['outcome'],
    registers,
  });
  // Every process reads them from the same store: the highest value is true, not the sum.
  const waiting = new Gauge({
    name: 'turnpike_webhooks_waiting',
    help: 'Events that a receiver has not been told yet, of all processes on the ledger; counted up to 10000.',
    aggregator: 'max',
    registers,
  });
  const age = new Gauge({
    name: 'turnpike_webhooks_waiting_age_seconds',
    help: 'Age of the event that has been waiting for longest.',
    aggregator: 'max',
    registers,
  });
  return {
    webhookAttempted: (outcome) => attempts.inc({ outcome }),
    setWaitingEvents(events, now) {
      if (events === undefined) {
        waiting.remove();
        age.remove();
        return;
      }
      waiting.set(events.count);
      age.set(events.oldestAt === undefined ? 0 : Math.max(0, now - events.oldestAt) / 1000);
    },
  };
}
