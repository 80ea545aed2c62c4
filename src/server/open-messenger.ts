import { isStoreFault } from '../domain/gateway-error.ts';
import type { Plan } from '../domain/plan.ts';
import type { Webhook } from '../domain/webhook.ts';
import { describeCause } from '../observe/cause.ts';
import type { Logger } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { type Outages, STORE } from '../observe/outages.ts';
import type { Delivery } from '../store/outbox.ts';
import type { PaymentStore } from '../store/payment-store.ts';
import { type AttemptOutcome, Messenger, type MessengerNotes } from '../webhook/messenger.ts';
import { openPost } from '../webhook/post.ts';

/** The parts of a messenger. */
interface MessengerParts {
  readonly store: PaymentStore;
  /** The plan in force. */
  readonly plan: () => Plan;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly outages: Outages;
  /** Unix milliseconds. */
  readonly clock: () => number;
}

/** Creates the messenger for the webhooks of the plan in force; it sends nothing before it is started. */
export function openMessenger({ store, plan, log, metrics, outages, clock }: MessengerParts): Messenger {
  return new Messenger({
    outbox: store.outbox,
    webhooks: () => plan().webhooks,
    post: openPost((url) => plan().proxies.get(url)),
    notes: messageNotes({ log, metrics, outages, clock }),
    clock,
    random: Math.random,
  });
}

function messageNotes({
  log,
  metrics,
  outages,
  clock,
}: Pick<MessengerParts, 'log' | 'metrics' | 'outages' | 'clock'>): MessengerNotes {
  return {
    attempted(hook, delivery, outcome) {
      const receiver = { kind: 'webhook', name: new URL(hook.url).origin } as const;
      const isAway = outcome.kind === 'failed' || outcome.kind === 'given_up';
      if (isAway) outages.failed(receiver, outcome.fault ?? `it answers ${outcome.status}`);
      else outages.worked(receiver);
      metrics.webhookAttempted(outcome.kind);
      logAttempt(log, hook, delivery, outcome);
    },
    unreadable(hook, { id, column }) {
      const facts = { webhook: new URL(hook.url).origin, event: id, column };
      log.error(facts, 'webhook cannot be sent: its row in the ledger is damaged');
    },
    expired(hook, events) {
      for (let event = 0; event < events; event += 1) metrics.webhookAttempted('given_up');
      log.error({ webhook: new URL(hook.url).origin, events }, 'webhooks given up: they were not told in time');
    },
    waits: (waiting) => metrics.setWaitingEvents(waiting, clock()),
    trouble(fault) {
      metrics.setWaitingEvents(undefined, clock());
      if (isStoreFault(fault)) outages.failed(STORE, fault);
      else log.warn({ cause: describeCause(fault) }, 'webhooks have to wait');
    },
  };
}

/** A receiver is logged by its origin: paths may hold keys. */
function logAttempt(log: Logger, { url }: Webhook, { attempt, event }: Delivery, outcome: AttemptOutcome): void {
  const { id, type, route, requestId } = event;
  const facts = { webhook: new URL(url).origin, event: id, type, route, requestId, attempt };
  switch (outcome.kind) {
    case 'delivered':
      log.debug(facts, 'webhook delivered');
      break;
    case 'gone':
      log.warn({ ...facts, status: 410 }, 'webhook wants no more of this event');
      break;
    case 'failed':
      log.warn({ ...facts, ...troubleOf(outcome), nextAt: new Date(outcome.nextAt).toISOString() }, 'webhook failed');
      break;
    case 'given_up':
      log.error({ ...facts, ...troubleOf(outcome) }, 'webhook given up');
  }
}

function troubleOf({ status, fault }: Extract<AttemptOutcome, { kind: 'failed' | 'given_up' }>) {
  return { status, cause: describeCause(fault) };
}
