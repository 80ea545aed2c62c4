import type { PaymentRecord } from '../domain/payment-record.ts';
import { routeNameOf } from '../domain/route-price.ts';
import type { PaymentEventType, Webhook } from '../domain/webhook.ts';
import type { Transition } from './ledger.ts';

/** How long after the claim a settlement must be in doubt before receivers are told, in milliseconds. */
const DOUBT_MS = 15 * 60_000;

/**
 * The step together with its webhook event, if it has one.
 *
 * @param before the row before the step
 * @param webhooks the receivers now: one that is added later gets later steps only
 * @param now Unix milliseconds
 */
export function withNews(
  step: Transition,
  before: PaymentRecord,
  webhooks: readonly Webhook[],
  now: number,
): Transition {
  const type = newsOf(step, before, now);
  if (type === undefined) return step;
  const hooks = hooksOf(before.route, webhooks);
  return hooks.length === 0 ? step : { ...step, news: { type, hooks } };
}

/** Ids of the receivers for a price's calls. */
export function hooksOf(price: string, webhooks: readonly Webhook[]): readonly string[] {
  if (webhooks.length === 0) return [];
  const route = routeNameOf(price);
  return webhooks.filter(({ routes }) => routes === undefined || routes.includes(route)).map(({ id }) => id);
}

function newsOf(step: Transition, before: PaymentRecord, now: number): PaymentEventType | undefined {
  if (step.settlement !== undefined) return before.settledAt === undefined ? 'payment.settled' : undefined;
  if (step.to === 'defaulted') return 'payment.defaulted';
  if (step.to !== 'unknown') return undefined;
  // Each look at a payment in doubt is a step: exactly one is the first after this time.
  const since = before.claimedAt + DOUBT_MS;
  return before.changedAt < since && since <= now ? 'settlement.unknown' : undefined;
}
