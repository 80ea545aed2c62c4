import type { Amount } from '../../domain/amount.ts';
import { atomicUnits } from '../../domain/balance.ts';
import { amountAsked, type PaymentRecord } from '../../domain/payment-record.ts';
import { DRAWN, type LedgerEvent } from '../../domain/webhook.ts';
import type { DrawNews, DrawRecord } from '../balances.ts';
import type { News } from '../ledger.ts';
import type { OpenCalls } from '../open-calls.ts';
import {
  COUNTED_EVENTS,
  type Delivery,
  eventId,
  type Outbox,
  type TakenEvents,
  type WaitingEvents,
} from '../outbox.ts';

/** A delivery that waits, or is being sent. */
interface Waiting {
  readonly delivery: Delivery;
  /** Unix milliseconds. */
  readonly dueAt: number;
}

/** The outbox in this process's memory. No method waits, so that each call is one atomic act. */
export class MemoryOutbox implements Outbox {
  /** By receiver and event, in the order of events. */
  readonly #waiting = new Map<string, Waiting>();
  readonly #calls: OpenCalls;

  /** @param calls the ledger's open calls, with which it closes */
  constructor(calls: OpenCalls) {
    this.#calls = calls;
  }

  /** Records the event of a step; `row` is the payment after it. */
  announce(row: PaymentRecord, { type, hooks }: News): void {
    const { key, route, requestId, payer, network, asset, payTo, scheme, protocol, usage } = row;
    const { settlement, settledAt, changedAt } = row;
    const event = Object.freeze({
      ...{ id: eventId(type, key), type, createdAt: changedAt, payment: key, route, requestId, payer, network, asset },
      ...{
        amount: settlement?.amount ?? amountAsked(row),
        payTo,
        scheme,
        protocol,
        usage,
        transaction: settlement?.transaction,
        settledAt,
      },
    });
    this.#add(event, hooks);
  }

  /** Records the event of a draw. */
  announceDraw(draw: DrawRecord, { hooks, payer, currency }: DrawNews): void {
    const { id, pass, route, requestId, charge, usage, endedAt: createdAt } = draw;
    const { network, asset } = currency;
    const amount = atomicUnits(charge, currency) as Amount;
    const facts = { createdAt, pass, route, requestId, payer, network, asset, amount, usage };
    this.#add(Object.freeze({ id: eventId(DRAWN, id), type: DRAWN, ...facts }), hooks);
  }

  #add(event: LedgerEvent, hooks: readonly string[]): void {
    for (const hook of hooks) {
      const delivery = { hook, attempt: 0, event };
      if (this.#waiting.has(placeOf(delivery))) continue;
      this.#waiting.set(placeOf(delivery), { delivery, dueAt: event.createdAt });
    }
  }

  takeDue(hook: string, now: number, holdMs: number, limit: number): Promise<TakenEvents> {
    return this.#calls.run(async () => {
      const deliveries = [...this.#waiting.values()]
        .filter(({ delivery, dueAt }) => delivery.hook === hook && dueAt <= now)
        .sort((a, b) => a.dueAt - b.dueAt)
        .slice(0, limit)
        .map(({ delivery }) => {
          const taken = { ...delivery, attempt: delivery.attempt + 1 };
          this.#waiting.set(placeOf(taken), { delivery: taken, dueAt: now + holdMs });
          return taken;
        })
        .sort((a, b) => a.event.createdAt - b.event.createdAt);
      return { deliveries, unreadable: [] };
    });
  }

  forget(delivery: Delivery): Promise<void> {
    return this.#calls.run(async () => {
      this.#waiting.delete(placeOf(delivery));
    });
  }

  postpone(delivery: Delivery, dueAt: number): Promise<void> {
    return this.#calls.run(async () => {
      const held = this.#waiting.get(placeOf(delivery));
      if (held?.delivery.attempt !== delivery.attempt) return;
      this.#waiting.set(placeOf(delivery), { delivery: held.delivery, dueAt });
    });
  }

  waiting(hooks: readonly string[]): Promise<WaitingEvents> {
    return this.#calls.run(async () => {
      const of = [...this.#waiting.values()].filter(({ delivery }) => hooks.includes(delivery.hook));
      const oldestAt = of.reduce<number | undefined>(
        (oldest, { delivery }) => Math.min(oldest ?? Number.POSITIVE_INFINITY, delivery.event.createdAt),
        undefined,
      );
      return { count: Math.min(of.length, COUNTED_EVENTS), oldestAt };
    });
  }

  pruneEvents(createdBefore: number, dueBy: number, limit: number): Promise<readonly string[]> {
    return this.#calls.run(async () => {
      const old = [...this.#waiting]
        .filter(([, { delivery, dueAt }]) => delivery.event.createdAt < createdBefore && dueAt <= dueBy)
        .slice(0, limit);
      for (const [place] of old) this.#waiting.delete(place);
      return old.map(([, { delivery }]) => delivery.hook);
    });
  }
}

function placeOf({ hook, event }: Delivery): string {
  return `${hook} ${event.id}`;
}
