import { createHash } from 'node:crypto';
import type { PaymentKey } from '../domain/payment.ts';
import type { LedgerEvent } from '../domain/webhook.ts';
import type { HoldId } from './balances.ts';

/** An event on its way to one receiver. */
export interface Delivery {
  /** {@link Webhook.id} of the receiver. */
  readonly hook: string;
  /** How often it was taken, this time included. */
  readonly attempt: number;
  readonly event: LedgerEvent;
}

/** An event that is there and cannot be read. */
export interface UnreadableEvent {
  /** Empty where not even that can be read. */
  readonly id: string;
  /** The first column that cannot be read. */
  readonly column: string;
}

/** What was taken. Both kinds count for a limit. */
export interface TakenEvents {
  readonly deliveries: readonly Delivery[];
  readonly unreadable: readonly UnreadableEvent[];
}

/** For how long an event that cannot be read is left alone, in milliseconds. */
export const DAMAGED_HOLD_MS = 3_600_000;

/** What is waiting to be told. */
export interface WaitingEvents {
  /** Counted up to {@link COUNTED_EVENTS}: nobody needs to know how many more there are, and counting takes time. */
  readonly count: number;
  /** Unix milliseconds of the oldest one; `undefined` when nothing waits. */
  readonly oldestAt: number | undefined;
}

/** Most waiting events that are counted. */
export const COUNTED_EVENTS = 10_000;

/**
 * Events that receivers have not been told yet: one row for each event and receiver, written by the very act that moves
 * the payment (`Transition.news`), or draws from a balance (`Draw.news`), so that there is one exactly where there is the other. A row is a copy: the payment may
 * be deleted before it is told. Every store passes `test/contract/outbox.contract.ts`.
 */
export interface Outbox {
  /**
   * Takes what is due for a receiver, the longest due first. Taking is a change of the row: it is due again at
   * `now + holdMs` and has one attempt more. However many processes ask at once, each row goes to one of them. One that is
   * damaged keeps no other one waiting: it is due again after {@link DAMAGED_HOLD_MS}, in case somebody has mended it.
   */
  takeDue(hook: string, now: number, holdMs: number, limit: number): Promise<TakenEvents>;
  /** Deletes a row for good: it was told, or never will be. Whoever has taken it meanwhile finds nothing to postpone. */
  forget(delivery: Delivery): Promise<void>;
  /** Lets nobody take it before `dueAt` (Unix milliseconds), unless somebody else has taken it since. */
  postpone(delivery: Delivery, dueAt: number): Promise<void>;
  /** What waits for these receivers. */
  waiting(hooks: readonly string[]): Promise<WaitingEvents>;
  /** Deletes events from before `createdBefore` (Unix milliseconds), whoever was to hear of them; at most `limit`. */
  pruneEvents(createdBefore: number, limit: number): Promise<number>;
}

/** The id of the one event of this type that a payment can have, or a call that a balance paid. */
export function eventId(type: LedgerEvent['type'], of: PaymentKey | HoldId): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([type, of]))
    .digest();
  return `evt_${digest.subarray(0, 18).toString('base64url')}`;
}
