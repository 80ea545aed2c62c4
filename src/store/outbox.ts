import { createHash } from 'node:crypto';
import type { PaymentKey } from '../domain/payment.ts';
import type { LedgerEvent } from '../domain/webhook.ts';
import type { HoldId } from './balances.ts';

/** An event on its way to one receiver. */
export interface Delivery {
  /** {@link Webhook.id} of the receiver. */
  readonly hook: string;
  /** The number of this attempt, from 1. */
  readonly attempt: number;
  readonly event: LedgerEvent;
}

/** An event that exists and cannot be read. */
export interface UnreadableEvent {
  /** Empty where not even the id can be read. */
  readonly id: string;
  /** The first column that cannot be read. */
  readonly column: string;
}

/** The events that were taken. Both kinds count for a limit. */
export interface TakenEvents {
  readonly deliveries: readonly Delivery[];
  readonly unreadable: readonly UnreadableEvent[];
}

/** How long an event that cannot be read is left alone, in milliseconds. */
export const DAMAGED_HOLD_MS = 3_600_000;

/** The events that wait. */
export interface WaitingEvents {
  /** Counted up to {@link COUNTED_EVENTS}: a larger number would tell nothing more, and counting takes time. */
  readonly count: number;
  /** Unix milliseconds of the oldest one; `undefined` when nothing waits. */
  readonly oldestAt: number | undefined;
}

/** Most waiting events that are counted. */
export const COUNTED_EVENTS = 10_000;

/**
 * Events that receivers have not been told yet: one row for each event and receiver. The act that moves the payment
 * (`Transition.news`) or draws from a balance (`Draw.news`) writes its event, too, so that neither exists without the
 * other. A row is a copy: the payment may be deleted before it is sent. Every store passes
 * `test/contract/outbox.contract.ts`.
 */
export interface Outbox {
  /**
   * Takes events that are due for a receiver, the longest due first. Taking changes the row: it is due again at `now +
   * holdMs` and has one attempt more. However many processes ask at once, each row goes to one of them. A damaged row
   * does not delay others: it is due again after {@link DAMAGED_HOLD_MS}, in case somebody has repaired it.
   */
  takeDue(hook: string, now: number, holdMs: number, limit: number): Promise<TakenEvents>;
  /**
   * Deletes a row: it was delivered, or never will be. A process that has taken it meanwhile finds nothing to postpone.
   */
  forget(delivery: Delivery): Promise<void>;
  /** Makes it due at `dueAt` (Unix milliseconds), unless another process has taken it since. */
  postpone(delivery: Delivery, dueAt: number): Promise<void>;
  /** The events that wait for these receivers. */
  waiting(hooks: readonly string[]): Promise<WaitingEvents>;
  /**
   * Deletes events from before `createdBefore` that were due by `dueBy` (Unix milliseconds), for any receiver; at most
   * `limit`. One that is under way is not due. Resolves to the receiver of each.
   */
  pruneEvents(createdBefore: number, dueBy: number, limit: number): Promise<readonly string[]>;
}

/** The id of the only event of this type that a payment, or a call paid by a balance, can have. */
export function eventId(type: LedgerEvent['type'], of: PaymentKey | HoldId): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([type, of]))
    .digest();
  return `evt_${digest.subarray(0, 18).toString('base64url')}`;
}
