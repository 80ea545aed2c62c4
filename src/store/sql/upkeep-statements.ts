import type { PaymentKey } from '../../domain/payment.ts';
import type { ClaimableState } from '../../domain/payment-state.ts';
import { LONGEST_AHEAD_MS, OWNER_GONE_MS, type OwedAsset } from '../upkeep.ts';
import {
  IS_CLAIMABLE,
  IS_COLLECTABLE,
  IS_DEFAULTED,
  IS_HELD,
  IS_OPEN,
  IS_OWED,
  IS_OWING,
  IS_PRUNABLE,
  IS_RESTING,
  IS_SETTLED,
} from './conditions.ts';
import { markText } from './forgotten.ts';
import { COLUMNS, text, whole } from './row.ts';
import type { Dialect, Statement } from './sql-engine.ts';

/** Records a heartbeat of a process. */
export function beatStatement(owner: string, now: number): Statement {
  const query = `INSERT INTO turnpike_owners (owner, beat_at) VALUES ($1, $2)
    ON CONFLICT (owner) DO UPDATE SET beat_at = excluded.beat_at`;
  return { kind: 'mark', name: 'beat', text: query, values: [text(owner), whole(now)] };
}

/** Records that a process ends. */
export function retireStatement(owner: string): Statement {
  const query = 'DELETE FROM turnpike_owners WHERE owner = $1';
  return { kind: 'write', name: 'retire', text: query, values: [text(owner)] };
}

/** Reads which processes live by this time. */
export function livingOwnersStatement(living: number): Statement {
  const query = 'SELECT owner FROM turnpike_owners WHERE beat_at > $1';
  return { kind: 'read', name: 'living_owners', text: query, values: [whole(living - OWNER_GONE_MS)] };
}

/**
 * Deletes processes that were gone before `before`, in Unix milliseconds: a process without a row counts as gone, too.
 */
export function forgetOwnersStatement(before: number): Statement {
  const query = 'DELETE FROM turnpike_owners WHERE beat_at <= $1';
  return { kind: 'write', name: 'forget_owners', text: query, values: [whole(before - OWNER_GONE_MS)] };
}

/** What one process asks of `Upkeep.takeOpen`. */
export interface Taking {
  readonly owner: string;
  readonly now: number;
  readonly holdMs: number;
  readonly limit: number;
}

/** No row that was taken has it as its `check_at`. */
const NEVER_TAKEN = -1;

/**
 * Takes rows that are in doubt or were left behind, and those of a taking whose reply was lost. Rows that requests hold
 * have not been taken, or were taken at another time.
 */
export function takeOpenStatement(
  { owner, now, holdMs, limit, living, lost }: Taking & { readonly living: number; readonly lost?: number | undefined },
  dialect: Dialect,
): Statement {
  const due = `(state = 'unknown' OR (state = 'owed' AND check_at > 0)) AND (check_at <= $3 OR check_at > $6)`;
  const left = `${IS_HELD} AND ((owner = $1 AND checks > 0 AND check_at = $7) OR NOT EXISTS (
    SELECT 1 FROM turnpike_owners WHERE turnpike_owners.owner = turnpike_payments.owner AND beat_at > $5))`;
  return {
    kind: 'write',
    name: 'take_open',
    text: takeText(`${IS_OPEN} AND ((${due}) OR (${left}))`, dialect),
    values: [
      text(owner),
      whole(now + holdMs),
      whole(now),
      limit,
      whole(living - OWNER_GONE_MS),
      whole(now + LONGEST_AHEAD_MS),
      whole(lost ?? NEVER_TAKEN),
    ],
  };
}

/** Takes answers on credit whose money is to be asked for: one range of the index of open payments. */
export function takeOwedStatement(taking: Taking, dialect: Dialect): Statement {
  return takeComeStatement('take_owed', "state = 'owed'", taking, dialect);
}

/** Takes these, and rows that are in doubt: two ranges of the same index. */
export function takeAwaitingStatement(taking: Taking, dialect: Dialect): Statement {
  return takeComeStatement('take_awaiting', "state IN ('unknown', 'owed')", taking, dialect);
}

/** Takes open rows whose time has come. What a clock that was put back has set would be another range. */
function takeComeStatement(
  name: string,
  states: string,
  { owner, now, holdMs, limit }: Taking,
  dialect: Dialect,
): Statement {
  return {
    kind: 'write',
    name,
    text: takeText(`${IS_OPEN} AND ${states} AND check_at > 0 AND check_at <= $3`, dialect),
    values: [text(owner), whole(now + holdMs), whole(now), limit],
  };
}

/** Takes settled rows that are to be looked at once more. */
export function takeSettledStatement(taking: Taking, dialect: Dialect): Statement {
  return takeDueStatement('take_settled', IS_RESTING, taking, dialect);
}

/** Takes debts that are to be asked for once more. */
export function takeDefaultedStatement(taking: Taking, dialect: Dialect): Statement {
  return takeDueStatement('take_defaulted', IS_DEFAULTED, taking, dialect);
}

function takeDueStatement(
  name: string,
  condition: string,
  { owner, now, holdMs, limit }: Taking,
  dialect: Dialect,
): Statement {
  return {
    kind: 'write',
    name,
    text: takeText(`check_at > 0 AND ${condition} AND (check_at <= $3 OR check_at > $5)`, dialect),
    values: [text(owner), whole(now + holdMs), whole(now), limit, whole(now + LONGEST_AHEAD_MS)],
  };
}

/** Ends the second look at a settled payment. */
export function confirmStatement(key: PaymentKey): Statement {
  const query = `UPDATE turnpike_payments SET check_at = 0,
      evidence = CASE WHEN ${IS_COLLECTABLE} THEN evidence ELSE NULL END
    WHERE key = $1 AND ${IS_SETTLED}`;
  return { kind: 'write', name: 'confirm', text: query, values: [text(key)] };
}

/** Counts answers that are not paid yet, up to a limit. */
export function countOwedStatement(upTo: number): Statement {
  const query = `SELECT COUNT(*) AS every FROM (SELECT 1 FROM turnpike_payments WHERE ${IS_OWED} LIMIT $1) AS counted`;
  return { kind: 'read', name: 'count_owed', text: query, values: [whole(upTo)] };
}

/** The same for one payer, with defaulted payments; each of the two up to the limit. */
export function countOwedByStatement(payer: string, upTo: number): Statement {
  const query = `SELECT COUNT(*) AS every FROM (
    SELECT 1 FROM (SELECT 1 FROM turnpike_payments WHERE ${IS_OWED} AND payer = $1 LIMIT $2) AS owed
    UNION ALL
    SELECT 1 FROM (SELECT 1 FROM turnpike_payments WHERE ${IS_DEFAULTED} AND payer = $1 LIMIT $2) AS defaulted
  ) AS counted`;
  return { kind: 'read', name: 'count_owed_by', text: query, values: [text(payer), whole(upTo)] };
}

/**
 * Counts equal amounts of what is owed in one asset, of all payers, or of one payer with defaulted payments. Amounts
 * are never added by an engine, which would round or overflow.
 */
export function owedAmountsStatement({ network, asset }: OwedAsset, payer: string | undefined): Statement {
  const ofAsset = 'network = $1 AND asset = $2';
  const rows = (condition: string): string =>
    `SELECT COALESCE(asked_amount, amount) AS amount FROM turnpike_payments WHERE ${condition} AND ${ofAsset}`;
  const mine = (condition: string): string => rows(`${condition} AND payer = $3`);
  const all = payer === undefined ? rows(IS_OWED) : `${mine(IS_OWED)} UNION ALL ${mine(IS_DEFAULTED)}`;
  const query = `SELECT amount, COUNT(*) AS every FROM (${all}) AS owed GROUP BY amount`;
  const name = payer === undefined ? 'owed_amounts' : 'owed_amounts_of';
  return {
    kind: 'read',
    name,
    text: query,
    values: [network, text(asset), ...(payer === undefined ? [] : [text(payer)])],
  };
}

/** Counts open settlements, by state. */
export function countOpenStatement(): Statement {
  const query = `SELECT state, COUNT(*) AS every, MIN(claimed_at) AS oldest
    FROM turnpike_payments WHERE ${IS_OPEN} AND ${IS_OWING} AND resolved_at IS NULL GROUP BY state ORDER BY state`;
  return { kind: 'read', name: 'count_open', text: query, values: [] };
}

const IS_OLD = `${IS_PRUNABLE} AND expires_at < $2 AND changed_at < $1`;

/** Records the latest expiry of the payments that are about to be deleted. No row: there are none to delete. */
export function markPaymentsStatement(changedBefore: number, expiredBefore: number, limit: number): Statement {
  const going = `SELECT expires_at AS until_at FROM turnpike_payments WHERE ${IS_OLD} ORDER BY expires_at LIMIT $3`;
  const values = [whole(changedBefore), whole(expiredBefore), limit];
  return { kind: 'write', name: 'mark_payments', text: markText('payments', going), values };
}

/** Gives a row if a payment with this expiry may have been deleted. */
export function mayHaveForgottenStatement(expiresAt: number): Statement {
  const query = "SELECT 1 AS forgotten FROM turnpike_forgotten WHERE what = 'payments' AND until_at >= $1";
  return { kind: 'read', name: 'may_have_forgotten', text: query, values: [whole(expiresAt)] };
}

/** Deletes old rows in which nothing is left to collect; one row for each. */
export function pruneStatement(
  changedBefore: number,
  expiredBefore: number,
  limit: number,
  dialect: Dialect,
): Statement {
  const query = `WITH taken AS MATERIALIZED (
      SELECT key FROM turnpike_payments
      WHERE ${IS_OLD}
      ORDER BY expires_at LIMIT $3 ${dialect.takeRows})
    DELETE FROM turnpike_payments WHERE key IN (SELECT key FROM taken) RETURNING key`;
  return { kind: 'write', name: 'prune', text: query, values: [whole(changedBefore), whole(expiredBefore), limit] };
}

/** Deletes rows whose money did not move, in one of the two states that a claim may take; one row for each. */
export function forgetUnmovedStatement(
  state: ClaimableState,
  changedBefore: number,
  limit: number,
  dialect: Dialect,
): Statement {
  const query = `WITH taken AS MATERIALIZED (
      SELECT key FROM turnpike_payments
      WHERE ${IS_CLAIMABLE} AND state = $1 AND changed_at < $2
      ORDER BY changed_at LIMIT $3 ${dialect.takeRows})
    DELETE FROM turnpike_payments WHERE key IN (SELECT key FROM taken) RETURNING key`;
  return { kind: 'write', name: 'forget_unmoved', text: query, values: [state, whole(changedBefore), limit] };
}

/**
 * The rows are picked once, before anything changes: without `MATERIALIZED`, PostgreSQL may pick again for each row
 * and take more than the limit.
 */
function takeText(condition: string, dialect: Dialect): string {
  return `WITH taken AS MATERIALIZED (
      SELECT key FROM turnpike_payments WHERE ${condition} ORDER BY check_at LIMIT $4 ${dialect.takeRows})
    UPDATE turnpike_payments SET owner = $1, epoch = epoch + 1, checks = checks + 1, check_at = $2
    WHERE key IN (SELECT key FROM taken) RETURNING ${COLUMNS}`;
}
