import type { UseWindow } from '../uses.ts';
import { text, whole } from './row.ts';
import type { Dialect, SqlValue, Statement } from './sql-engine.ts';

/** The uses that a window grants: `$5` are wanted, at most what is left of `$4`. */
const GRANTS = `CASE WHEN turnpike_uses.used + CAST($5 AS BIGINT) > CAST($4 AS BIGINT)
  THEN CAST($4 AS BIGINT) - turnpike_uses.used ELSE CAST($5 AS BIGINT) END`;

/**
 * Takes uses, as long as there are any. No row: there was none. Every right-hand side sees the row as it was before, in both
 * engines.
 */
export function takeUsesStatement({ id, startsAt, endsAt }: UseWindow, most: number, want: number): Statement {
  const query = `INSERT INTO turnpike_uses (id, starts_at, ends_at, used, granted)
    VALUES ($1, $2, $3, CAST($6 AS BIGINT), CAST($6 AS BIGINT))
    ON CONFLICT (id, starts_at) DO UPDATE SET used = turnpike_uses.used + ${GRANTS}, granted = ${GRANTS}
    WHERE turnpike_uses.used < CAST($4 AS BIGINT) RETURNING used, granted`;
  const values = [text(id), whole(startsAt), whole(endsAt), most, want, Math.min(most, want)];
  return write('take_uses', query, values);
}

/** Gives a use back. */
export function returnUseStatement({ id, startsAt }: UseWindow): Statement {
  const query = 'UPDATE turnpike_uses SET used = used - 1 WHERE id = $1 AND starts_at = $2 AND used > 0';
  return write('return_use', query, [text(id), whole(startsAt)]);
}

/** Forgets windows that have ended; one row for each. */
export function pruneUsesStatement(before: number, limit: number, dialect: Dialect): Statement {
  const query = `WITH taken AS MATERIALIZED (
      SELECT id, starts_at FROM turnpike_uses WHERE ends_at < $1 ORDER BY ends_at LIMIT $2 ${dialect.takeRows})
    DELETE FROM turnpike_uses WHERE (id, starts_at) IN (SELECT id, starts_at FROM taken) RETURNING id`;
  return write('prune_uses', query, [whole(before), limit]);
}

function write(name: string, query: string, values: readonly SqlValue[]): Statement {
  return { kind: 'write', name, text: query, values };
}
