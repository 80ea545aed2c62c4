import type { PassId } from '../../domain/pass.ts';
import type { Draw, Hold, HoldId } from '../balances.ts';
import { OWNER_GONE_MS } from '../upkeep.ts';
import { announceDrawStatements, UNBOOKED } from './draw-book-statements.ts';
import { PASS_COLUMNS } from './pass-statements.ts';
import { text, whole } from './row.ts';
import type { Dialect, SqlValue, Statement } from './sql-engine.ts';

/**
 * Takes the most that a call may cost; both statements are one act. The first locks the balance and notes the hold that
 * took from it. The second writes nothing where the first found too little.
 */
export function holdStatements(
  { id, pass, most, owner, route, requestId }: Hold,
  now: number,
): readonly [Statement, Statement] {
  const values = [text(id), text(pass), text(route), text(requestId), text(owner), most, whole(now)];
  return [write('hold_take', HOLD_TAKE, [text(pass), most, text(id)]), write('hold_note', HOLD_NOTE, values)];
}

const HOLD_TAKE = `UPDATE turnpike_passes SET available = available - CAST($2 AS BIGINT), lent = lent + CAST($2 AS BIGINT),
    last_hold = $3
  WHERE id = $1 AND balance IS NOT NULL AND revoked_at IS NULL AND available >= CAST($2 AS BIGINT)
  RETURNING ${PASS_COLUMNS}`;

const HOLD_NOTE = `INSERT INTO turnpike_draws (id, pass, route, request_id, owner, most, held_at, booked)
  SELECT CAST($1 AS TEXT), id, CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS TEXT), CAST($6 AS BIGINT),
    CAST($7 AS BIGINT), 0
  FROM turnpike_passes WHERE id = $2 AND last_hold = $1`;

/**
 * Ends a hold; all statements are one act. The first one ends it, and two acts that end the same hold wait for each
 * other there. If it had ended before, the other statements find nothing to book.
 */
export function drawStatements(id: HoldId, { charge, usage, news }: Draw, now: number): readonly Statement[] {
  return [
    write('draw_end', DRAW_END, [text(id), charge, text(usage), whole(now)]),
    write('draw_book', DRAW_BOOK, [text(id), whole(now)]),
    ...(news === undefined ? [] : announceDrawStatements(id, news)),
    write('draw_done', DRAW_DONE, [text(id)]),
  ];
}

const DRAW_END = `UPDATE turnpike_draws SET usage = $3, ended_at = $4,
    charge = CASE WHEN CAST($2 AS BIGINT) > most THEN most ELSE CAST($2 AS BIGINT) END
  WHERE id = $1 AND ended_at IS NULL`;

/** Every right-hand side sees the row as it was before, in both engines. */
const DRAW_BOOK = `UPDATE turnpike_passes SET lent = lent - ${ofDraw('most')}, available = available + ${ofDraw('most - charge')},
    ended_at = CASE WHEN revoked_at IS NOT NULL THEN ended_at
      WHEN available + lent - ${ofDraw('charge')} = 0 THEN CAST($2 AS BIGINT) END
  WHERE id = (SELECT pass FROM turnpike_draws WHERE ${UNBOOKED}) RETURNING ${PASS_COLUMNS}`;

const DRAW_DONE = `UPDATE turnpike_draws SET booked = 1 WHERE ${UNBOOKED}`;

function ofDraw(what: string): string {
  return `(SELECT ${what} FROM turnpike_draws WHERE turnpike_draws.id = $1)`;
}

/** Finds holds of processes that are gone. */
export function holdsLeftStatement(now: number, limit: number): Statement {
  const query = `SELECT id FROM turnpike_draws WHERE ended_at IS NULL AND NOT EXISTS (
      SELECT 1 FROM turnpike_owners WHERE turnpike_owners.owner = turnpike_draws.owner AND beat_at > $1)
    ORDER BY held_at LIMIT $2`;
  return { kind: 'read', name: 'holds_left', text: query, values: [whole(now - OWNER_GONE_MS), limit] };
}

/** Finds holds of one process. */
export function holdsOfStatement(owner: string, limit: number): Statement {
  const query = 'SELECT id FROM turnpike_draws WHERE ended_at IS NULL AND owner = $1 ORDER BY held_at LIMIT $2';
  return { kind: 'read', name: 'holds_of', text: query, values: [text(owner), limit] };
}

/** Lists the draws of a balance. */
export function listDrawsStatement(pass: PassId, limit: number): Statement {
  const query = `SELECT id, pass, route, request_id, charge, usage, held_at, ended_at FROM turnpike_draws
    WHERE pass = $1 AND ended_at IS NOT NULL ORDER BY ended_at DESC, id DESC LIMIT $2`;
  return { kind: 'report', text: query, values: [text(pass), limit] };
}

/** Forgets calls that ended long ago; one row for each. */
export function pruneDrawsStatement(before: number, limit: number, dialect: Dialect): Statement {
  const query = `WITH taken AS MATERIALIZED (
      SELECT id FROM turnpike_draws WHERE ended_at < $1 ORDER BY ended_at LIMIT $2 ${dialect.takeRows})
    DELETE FROM turnpike_draws WHERE id IN (SELECT id FROM taken) RETURNING id`;
  return write('prune_draws', query, [whole(before), limit]);
}

function write(name: string, query: string, values: readonly SqlValue[]): Statement {
  return { kind: 'write', name, text: query, values };
}
