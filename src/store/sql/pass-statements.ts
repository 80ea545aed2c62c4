import type { BalanceCurrency } from '../../domain/balance.ts';
import type { PassHolder, PassId, PassScope } from '../../domain/pass.ts';
import {
  type LeaseRequest,
  NONCE_GRACE_MS,
  type PassPlace,
  type PassSale,
  type PassView,
  type TokenKey,
} from '../passes.ts';
import { markText } from './forgotten.ts';
import { text, whole } from './row.ts';
import type { Dialect, SqlValue, Statement } from './sql-engine.ts';

/** What statements return of a pass, by name. */
export const PASS_COLUMNS =
  'id, scope, family, payer, opens, version, expires_at, bought, available, lent, issued_at, revoked_at, balance';

/** The payment that is being granted has bought nothing yet. `$1` is its key. */
const UNBOOKED = 'payment = $1 AND pass IS NULL';
/** The pass that a payment of this holder, in this scope, under these terms extends. */
const ITS_PASS = 'scope = $2 AND family = $3 AND payer = $4 AND version = $5 AND extendable = 1';

/**
 * Gives a holder what a payment bought; all statements are one act. The first takes the payment. If it was taken
 * before, the statements between the first and the last find nothing to do. Two grants of one payment wait for each
 * other at its row, two grants of one pass at the pass's row, always in this order.
 */
export function grantStatements(sale: PassSale, id: PassId, now: number): readonly Statement[] {
  const payment = text(sale.paymentKey);
  const place = [payment, sale.scope, text(sale.holder.family), text(sale.holder.payer), text(sale.version)];
  return [
    write('grant_take', GRANT_TAKE, [payment, whole(now)]),
    write('grant_close', GRANT_CLOSE, [...place, whole(now)]),
    write('grant_book', GRANT_BOOK, [
      ...place,
      whole(now),
      id,
      JSON.stringify(sale.opens),
      sale.forMs === undefined ? null : whole(sale.forMs),
      sale.requests === undefined ? null : whole(sale.requests),
      sale.balance === undefined ? null : currencyText(sale.balance),
    ]),
    write('grant_note', GRANT_NOTE, place),
    { kind: 'read', name: 'granted', text: GRANTED, values: [payment] },
  ];
}

const GRANT_TAKE = `INSERT INTO turnpike_pass_payments (payment, pass, granted_at) VALUES ($1, NULL, $2)
  ON CONFLICT (payment) DO NOTHING`;

/** An expired pass stays as it is: the payment makes another one. */
const GRANT_CLOSE = `UPDATE turnpike_passes SET extendable = 0 WHERE ${ITS_PASS} AND expires_at <= $6
  AND EXISTS (SELECT 1 FROM turnpike_pass_payments WHERE ${UNBOOKED})`;

/**
 * A holder's first payment makes the pass, further ones extend it. Terms under one version must not differ. If they do,
 * a pass without an end stays without one, and a pass with a number of requests does not become unlimited.
 */
const GRANT_BOOK = `INSERT INTO turnpike_passes (id, scope, family, payer, version, opens, expires_at, ended_at,
    bought, available, lent, lending, issued_at, revoked_at, extendable, balance)
  SELECT CAST($7 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS TEXT), CAST($8 AS TEXT),
    CAST($6 AS BIGINT) + CAST($9 AS BIGINT), CAST($6 AS BIGINT) + CAST($9 AS BIGINT),
    CAST($10 AS BIGINT), COALESCE(CAST($10 AS BIGINT), 0), 0, 0, CAST($6 AS BIGINT), CAST(NULL AS BIGINT), 1,
    CAST($11 AS TEXT)
  FROM turnpike_pass_payments WHERE ${UNBOOKED}
  ON CONFLICT (scope, family, payer, version) WHERE extendable = 1 DO UPDATE SET
    expires_at = ${later('expires_at')}, ended_at = ${later('expires_at')},
    bought = turnpike_passes.bought + excluded.available, available = turnpike_passes.available + excluded.available`;

const GRANT_NOTE = `UPDATE turnpike_pass_payments SET pass = (SELECT id FROM turnpike_passes WHERE ${ITS_PASS})
  WHERE ${UNBOOKED}`;

const GRANTED = `SELECT ${PASS_COLUMNS} FROM turnpike_passes
  WHERE id = (SELECT pass FROM turnpike_pass_payments WHERE payment = $1)`;

function currencyText({ network, asset, symbol, decimals }: BalanceCurrency): string {
  return JSON.stringify({ network, asset: text(asset), symbol: text(symbol), decimals });
}

/** `forMs` after the time in the column, or after now where that time has passed. A pass without an end keeps none. */
function later(column: string): string {
  const at = `turnpike_passes.${column}`;
  return `CASE WHEN ${at} < $6 THEN CAST($6 AS BIGINT) ELSE ${at} END + COALESCE(CAST($9 AS BIGINT), 0)`;
}

/** Reads one pass. */
export function findPassStatement(id: PassId): Statement {
  const query = `SELECT ${PASS_COLUMNS} FROM turnpike_passes WHERE id = $1`;
  return { kind: 'read', name: 'find_pass', text: query, values: [text(id)] };
}

/** Reads the passes of a holder that may be valid. */
export function findPassesStatement(scope: PassScope, { family, payer }: PassHolder, now: number): Statement {
  const query = `SELECT ${PASS_COLUMNS} FROM turnpike_passes
    WHERE scope = $1 AND family = $2 AND payer = $3 AND extendable = 1 AND (expires_at IS NULL OR expires_at > $4)
    ORDER BY expires_at DESC NULLS FIRST, issued_at DESC, id`;
  return { kind: 'read', name: 'find_passes', text: query, values: [scope, text(family), text(payer), whole(now)] };
}

/** Reads passes in the order of issue. */
export function listPassesStatement(
  after: PassPlace | undefined,
  limit: number,
  { payer, order = 'oldest first' }: PassView,
): Statement {
  const [beyond, direction] = order === 'oldest first' ? ['>', 'ASC'] : ['<', 'DESC'];
  const values: SqlValue[] = [limit];
  const conditions: string[] = [];
  if (after !== undefined) {
    conditions.push(`(issued_at, id) ${beyond} ($2, $3)`);
    values.push(whole(after.issuedAt), text(after.id));
  }
  if (payer !== undefined) conditions.push(`LOWER(payer) = $${values.push(text(payer.toLowerCase()))}`);
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  const query = `SELECT ${PASS_COLUMNS} FROM turnpike_passes ${where}
    ORDER BY issued_at ${direction}, id ${direction} LIMIT $1`;
  return { kind: 'report', text: query, values };
}

/** Units that the lease grants: as many as are wanted and available, and none of a pass that has ended. */
const GRANTS = `CASE WHEN revoked_at IS NOT NULL OR expires_at <= $5 THEN 0
  WHEN bought IS NULL THEN CAST($2 AS BIGINT)
  WHEN available + $4 < $2 THEN available + $4 ELSE CAST($2 AS BIGINT) END`;

/**
 * Books and lends. Every right-hand side sees the row as it was before, in both engines. No row: there is no such pass,
 * or more was reported than was lent, which would hand out units twice.
 */
const LEASE = `UPDATE turnpike_passes SET lending = ${GRANTS},
    available = CASE WHEN bought IS NULL THEN available ELSE available + $4 - (${GRANTS}) END,
    lent = CASE WHEN bought IS NULL THEN lent ELSE lent - $3 - $4 + (${GRANTS}) END,
    ended_at = CASE WHEN revoked_at IS NOT NULL OR expires_at IS NOT NULL OR bought IS NULL THEN ended_at
      WHEN available + $4 - (${GRANTS}) = 0 THEN CAST($5 AS BIGINT) END
  WHERE id = $1 AND balance IS NULL AND (bought IS NULL OR (lent >= CAST($3 AS BIGINT) + CAST($4 AS BIGINT) AND bought - available - lent + $3 >= 0))
  RETURNING ${PASS_COLUMNS}, lending`;

/** Books the use of earlier leases, and lends units. */
export function leaseStatement(id: PassId, { want, spent, returned }: LeaseRequest, now: number): Statement {
  return write('lease', LEASE, [text(id), want, spent, returned, whole(now)]);
}

/** Ends a pass that is not revoked yet. */
export function revokeStatement(id: PassId, now: number): Statement {
  const query = `UPDATE turnpike_passes SET revoked_at = $2, ended_at = $2, extendable = 0
    WHERE id = $1 AND revoked_at IS NULL`;
  return write('revoke', query, [text(id), whole(now)]);
}

/** Reads the ids of passes that were revoked since then. */
export function revokedStatement(since: number): Statement {
  const query = 'SELECT id FROM turnpike_passes WHERE revoked_at >= $1 ORDER BY revoked_at, id';
  return { kind: 'read', name: 'revoked', text: query, values: [whole(since)] };
}

/** Deletes passes that ended long ago and whose payments are gone, together with their rows of purchases. */
export function prunePassesStatement(before: number, limit: number, dialect: Dialect): Statement {
  const query = `WITH taken AS MATERIALIZED (
      SELECT id FROM turnpike_passes
      WHERE ended_at < $1 AND NOT EXISTS (
        SELECT 1 FROM turnpike_pass_payments JOIN turnpike_payments ON turnpike_payments.key = turnpike_pass_payments.payment
        WHERE turnpike_pass_payments.pass = turnpike_passes.id)
      ORDER BY ended_at LIMIT $2 ${dialect.takeRows})
    DELETE FROM turnpike_passes WHERE id IN (SELECT id FROM taken) RETURNING id`;
  return write('prune_passes', query, [whole(before), limit]);
}

/** Takes a nonce. No row: it was used before, or may have been. */
export function spendNonceStatement(nonce: string, until: number): Statement {
  const query = `INSERT INTO turnpike_nonces (nonce, until_at) SELECT CAST($1 AS TEXT), CAST($2 AS BIGINT)
    WHERE NOT EXISTS (SELECT 1 FROM turnpike_forgotten WHERE what = 'nonces' AND until_at >= CAST($2 AS BIGINT))
    ON CONFLICT (nonce) DO NOTHING RETURNING nonce`;
  return write('spend_nonce', query, [text(nonce), whole(until)]);
}

/** Records the latest expiry of the nonces that are about to be deleted. No row: there are none to delete. */
export function markNoncesStatement(now: number, limit: number): Statement {
  const going = 'SELECT until_at FROM turnpike_nonces WHERE until_at < $1 ORDER BY until_at LIMIT $2';
  return write('mark_nonces', markText('nonces', going), [whole(now - NONCE_GRACE_MS), limit]);
}

/** Deletes nonces that expired no later than a mark. */
export function forgetNoncesStatement(mark: number, limit: number, dialect: Dialect): Statement {
  const query = `DELETE FROM turnpike_nonces WHERE nonce IN (
    SELECT nonce FROM turnpike_nonces WHERE until_at <= $1 ORDER BY until_at LIMIT $2 ${dialect.takeRows})`;
  return write('forget_nonces', query, [whole(mark), limit]);
}

/** Reads the store's token key. */
export function tokenKeyStatement(): Statement {
  return {
    kind: 'read',
    name: 'token_key',
    text: 'SELECT id, secret FROM turnpike_token_keys WHERE slot = 1',
    values: [],
  };
}

/** Writes the store's token key down, where there is none. */
export function newTokenKeyStatement({ id, secret }: TokenKey): Statement {
  const query = 'INSERT INTO turnpike_token_keys (slot, id, secret) VALUES (1, $1, $2) ON CONFLICT (slot) DO NOTHING';
  return write('new_token_key', query, [text(id), text(secret)]);
}

function write(name: string, query: string, values: readonly SqlValue[]): Statement {
  return { kind: 'write', name, text: query, values };
}
