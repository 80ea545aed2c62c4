import type { PaymentKey } from '../../domain/payment.ts';
import type { PaymentState } from '../../domain/payment-state.ts';
import type { News } from '../ledger.ts';
import { COUNTED_EVENTS, type Delivery, eventId } from '../outbox.ts';
import { text, whole } from './row.ts';
import type { Dialect, SqlValue, Statement } from './sql-engine.ts';

/** The columns that are copied from the payment after its step. */
const COPIED = `changed_at, changed_at, 0, key, route, request_id, payer, network, asset, COALESCE(settled_amount, asked_amount, amount),
    pay_to, scheme, protocol, usage, settled_transaction, settled_at`;

/** What statements return of a delivery, by name. */
const COLUMNS = `hook, id, type, created_at, attempts, payment, route, request_id, payer, network, asset, amount,
  pay_to, scheme, protocol, usage, settled_transaction, settled_at`;

/** Only where the step was taken: at another epoch or in another state there is no event. */
const ANNOUNCE = `INSERT INTO turnpike_events (hook, id, type, created_at, due_at, attempts, payment, route, request_id,
    payer, network, asset, amount, pay_to, scheme, protocol, usage, settled_transaction, settled_at)
  SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT), ${COPIED}
  FROM turnpike_payments WHERE key = $4 AND epoch = $5 AND state = $6
  ON CONFLICT (hook, id) DO NOTHING`;

/** Writes the event of a step to `to` for each receiver. To be run after the step, in one act with it. */
export function announceStatements(
  key: PaymentKey,
  epoch: number,
  to: PaymentState,
  { type, hooks }: News,
): readonly Statement[] {
  const row = [eventId(type, key), type, text(key), epoch + 1, to];
  return hooks.map((hook) => ({ kind: 'write', name: 'announce', text: ANNOUNCE, values: [hook, ...row] }));
}

/** Takes the due events of a receiver. */
export function takeDueStatement(
  hook: string,
  now: number,
  holdMs: number,
  limit: number,
  dialect: Dialect,
): Statement {
  const query = `WITH taken AS MATERIALIZED (
      SELECT id FROM turnpike_events WHERE hook = $1 AND due_at <= $2 ORDER BY due_at LIMIT $4 ${dialect.takeRows})
    UPDATE turnpike_events SET attempts = attempts + 1, due_at = $3
    WHERE hook = $1 AND id IN (SELECT id FROM taken) RETURNING ${COLUMNS}`;
  // If a loss of power undoes a taking, its events are sent once more.
  return mark('take_due', query, [text(hook), whole(now), whole(now + holdMs), limit]);
}

/** Deletes a delivery. */
export function forgetEventStatement({ hook, event }: Delivery): Statement {
  return mark('forget_event', 'DELETE FROM turnpike_events WHERE hook = $1 AND id = $2', [hook, event.id]);
}

/** Postpones a delivery, unless a process has taken it since. */
export function postponeStatement({ hook, attempt, event }: Delivery, dueAt: number): Statement {
  const query = 'UPDATE turnpike_events SET due_at = $4 WHERE hook = $1 AND id = $2 AND attempts = $3';
  return mark('postpone', query, [hook, event.id, attempt, whole(dueAt)]);
}

/** Postpones an event that cannot be read, even if another process has taken it since: none can read it. */
export function putOffStatement(hook: string, id: string, dueAt: number): Statement {
  return mark('put_off', 'UPDATE turnpike_events SET due_at = $3 WHERE hook = $1 AND id = $2', [
    hook,
    id,
    whole(dueAt),
  ]);
}

/** Counts the events that wait for these receivers, up to a bound, and reads the time of the oldest. */
export function waitingStatements(hooks: readonly string[]): readonly [Statement, Statement] {
  const among = `IN (${hooks.map((_, index) => `$${index + 1}`).join(', ')})`;
  const values = hooks.map((hook) => text(hook));
  const counted = `SELECT COUNT(*) AS every FROM (SELECT 1 FROM turnpike_events WHERE hook ${among} LIMIT ${COUNTED_EVENTS}) AS counted`;
  // `hook || ''` makes an engine read by age: by receiver first, it would sort the whole backlog for one row.
  const oldest = `SELECT created_at FROM turnpike_events WHERE hook || '' ${among} ORDER BY created_at LIMIT 1`;
  return [
    { kind: 'read', text: counted, values },
    { kind: 'read', text: oldest, values },
  ];
}

/** Deletes old events that are not under way. */
export function pruneEventsStatement(createdBefore: number, dueBy: number, limit: number, dialect: Dialect): Statement {
  const query = `WITH taken AS MATERIALIZED (
      SELECT hook, id FROM turnpike_events WHERE created_at < $1 AND due_at <= $3 ORDER BY created_at LIMIT $2 ${dialect.takeRows})
    DELETE FROM turnpike_events WHERE (hook, id) IN (SELECT hook, id FROM taken) RETURNING hook`;
  return { kind: 'write', name: 'prune_events', text: query, values: [whole(createdBefore), limit, whole(dueBy)] };
}

function mark(name: string, query: string, values: readonly SqlValue[]): Statement {
  return { kind: 'mark', name, text: query, values };
}
