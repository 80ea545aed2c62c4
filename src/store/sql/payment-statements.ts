import { formatAmount } from '../../domain/amount.ts';
import type { PaymentKey } from '../../domain/payment.ts';
import type { PaymentClaim, PaymentRecord, Resolution } from '../../domain/payment-record.ts';
import { isClaimable, type PaymentState, predecessors, STATES } from '../../domain/payment-state.ts';
import type { Transition } from '../ledger.ts';
import { among, HOLDS_IDENTIFIER, IS_CLAIMABLE } from './conditions.ts';
import { CLAIM_COLUMNS, COLUMNS, claimValues, STEP_COLUMNS, settlementValues, text, whole } from './row.ts';
import type { Statement } from './sql-engine.ts';

const PLACES = CLAIM_COLUMNS.map((_, index) => `$${index + 1}`);
const REPLACED = CLAIM_COLUMNS.filter((column) => column !== 'key').map((column) => `${column} = excluded.${column}`);
const CLEARED = Object.entries(STEP_COLUMNS).map(([column, empty]) => `${column} = ${empty}`);

/**
 * The epoch of a new row begins at the time of its claim. A process may still hold an earlier row of the same payment
 * that was deleted meanwhile: the epoch of that row is another one.
 */
const FIRST_EPOCH = PLACES[CLAIM_COLUMNS.indexOf('changed_at')];

/** Inserting and taking over are one act, so that of simultaneous claims one gets a row back and all others none. */
const CLAIM = `INSERT INTO turnpike_payments (${CLAIM_COLUMNS.join(', ')}, ${Object.keys(STEP_COLUMNS).join(', ')}, epoch)
  VALUES (${PLACES.join(', ')}, ${Object.values(STEP_COLUMNS).join(', ')}, ${FIRST_EPOCH})
  ON CONFLICT (key) DO UPDATE SET ${[...REPLACED, ...CLEARED].join(', ')}, epoch = turnpike_payments.epoch + 1
  WHERE turnpike_payments.${IS_CLAIMABLE}
  RETURNING epoch`;

/** The result of a step statement: the whole row, or an empty one, where the caller knows the rest. */
export type Giving = 'row' | 'changes';

/** One text for each target state: the states it may follow are part of the text, and so of the one atomic act. */
const STEPS: Readonly<Record<Giving, ReadonlyMap<PaymentState, string>>> = {
  row: stepTexts(`RETURNING ${COLUMNS}`),
  changes: stepTexts(''),
};

/**
 * Takes a payment key; gives the epoch. No row: the key is taken. @throws UniqueViolation from the engine: its
 * identifier is taken
 */
export function claimStatement(claim: PaymentClaim, now: number): Statement {
  // Money is asked for only after a durable step (an attempt or the debt), and that step makes the claim durable, too.
  return { kind: 'mark', name: 'claim', text: CLAIM, values: claimValues(claim, now) };
}

/** Moves a row a step. No row: it is at another epoch, or in a state that `step.to` may not follow. */
export function stepStatement(
  { key, epoch }: Pick<PaymentRecord, 'key' | 'epoch'>,
  step: Transition,
  now: number,
  gives: Giving,
): Statement | undefined {
  const statement = STEPS[gives].get(step.to);
  if (statement === undefined) return undefined;
  const values = [
    text(key),
    epoch,
    whole(now),
    text(step.reason),
    ...settlementValues(step.settlement),
    text(step.attempt?.transaction),
    text(step.attempt?.data),
    text(step.bodyDigest),
    step.answered === true ? 1 : null,
    step.checkAt === undefined ? null : whole(step.checkAt),
    text(step.owner),
    step.asked === undefined ? null : formatAmount(step.asked),
    step.leftEarly === true ? 1 : null,
    text(step.facilitator),
    text(step.usage),
  ];
  const named = { kind: 'write', name: `${gives}_to_${step.to}`, text: statement, values } as const;
  return gives === 'row' ? named : { ...named, gives };
}

/** Reads one row. */
export function findStatement(key: string): Statement {
  const query = `SELECT ${COLUMNS} FROM turnpike_payments WHERE key = $1`;
  return { kind: 'read', name: 'find', text: query, values: [text(key)] };
}

/** Notes on a row in one of `states` that an operator has taken care of it. No row: it is in none of them. */
export function resolveStatement(
  key: PaymentKey,
  { at, note }: Resolution,
  states: readonly PaymentState[],
): Statement {
  const query = `UPDATE turnpike_payments SET resolved_at = $2, resolved_note = $3
    WHERE key = $1 AND ${among(states)} RETURNING ${COLUMNS}`;
  return { kind: 'write', text: query, values: [text(key), whole(at), text(note)] };
}

/** Reads the row that has taken an identifier. */
export function namesakeStatement(identifier: string): Statement {
  const query = `SELECT ${COLUMNS} FROM turnpike_payments WHERE identifier = $1 AND ${HOLDS_IDENTIFIER}`;
  return { kind: 'read', name: 'namesake', text: query, values: [text(identifier)] };
}

/**
 * Counts a delivery: an answer goes out with the step to `delivering`, or on credit with that to `owed` or `uncharged`.
 */
function sendings(to: PaymentState): string {
  if (to === 'delivering' || to === 'uncharged') return ', deliveries = deliveries + 1';
  return to === 'owed' ? ", deliveries = deliveries + CASE WHEN state = 'forwarding' THEN 1 ELSE 0 END" : '';
}

function stepTexts(returning: string): ReadonlyMap<PaymentState, string> {
  const targets = STATES.filter((to) => predecessors(to).length > 0);
  return new Map(targets.map((to) => [to, `${stepText(to)} ${returning}`]));
}

function stepText(to: PaymentState): string {
  // Two kinds of payments need no evidence any more: delivered ones that will not be looked at again, and those that
  // moved no money, for a new claim brings its own.
  const evidence =
    to === 'delivered'
      ? 'CASE WHEN COALESCE($13, check_at) = 0 THEN NULL ELSE evidence END'
      : isClaimable(to)
        ? 'NULL'
        : 'evidence';
  return `UPDATE turnpike_payments SET state = '${to}', epoch = epoch + 1, changed_at = $3, reason = $4,
    settled_extensions = CASE WHEN CAST($5 AS TEXT) IS NULL THEN settled_extensions ELSE $8 END,
    settled_at = COALESCE(settled_at, CASE WHEN CAST($5 AS TEXT) IS NULL THEN NULL ELSE CAST($3 AS BIGINT) END),
    settled_transaction = COALESCE($5, settled_transaction), settled_payer = COALESCE($6, settled_payer),
    settled_amount = COALESCE($7, settled_amount), attempt_transaction = COALESCE($9, attempt_transaction),
    attempt_data = COALESCE($10, attempt_data), body_digest = COALESCE($11, body_digest),
    answered = COALESCE($12, answered), evidence = ${evidence}, check_at = COALESCE($13, check_at),
    left_early = COALESCE($16, left_early), asked_amount = COALESCE(asked_amount, $15), usage = COALESCE(usage, $18), owner = COALESCE($14, owner),
    facilitator = COALESCE($17, facilitator)${sendings(to)}
    WHERE key = $1 AND epoch = $2 AND ${among(predecessors(to))}`;
}
