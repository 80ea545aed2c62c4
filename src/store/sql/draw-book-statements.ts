import { balanceDigits } from '../../domain/balance.ts';
import { DRAWN } from '../../domain/webhook.ts';
import type { DrawFilter, DrawNews, DrawPlace, HoldId } from '../balances.ts';
import { eventId } from '../outbox.ts';
import { DAY_MS } from '../totals.ts';
import { Conditions } from './report-conditions.ts';
import { text, whole } from './row.ts';
import type { Dialect, Statement } from './sql-engine.ts';

/**
 * A hold that has ended and whose money is not booked yet: only the act that ends it sees this state. `$1` is its id.
 */
export const UNBOOKED = 'turnpike_draws.id = $1 AND ended_at IS NOT NULL AND booked = 0';

/**
 * A copy of the draw; columns for payments alone stay empty. The zeros in `$7` turn the balance's units into atomic
 * units.
 */
const ANNOUNCE = `INSERT INTO turnpike_events (hook, id, type, created_at, due_at, attempts, payment, route, request_id,
    payer, network, asset, amount, pay_to, scheme, usage)
  SELECT CAST($2 AS TEXT), CAST($3 AS TEXT), '${DRAWN}', ended_at, ended_at, 0, pass, route, request_id,
    CAST($4 AS TEXT), CAST($5 AS TEXT), CAST($6 AS TEXT),
    CASE WHEN charge = 0 THEN '0' ELSE CAST(charge AS TEXT) || CAST($7 AS TEXT) END, '', '', usage
  FROM turnpike_draws WHERE ${UNBOOKED}
  ON CONFLICT (hook, id) DO NOTHING`;

/**
 * Writes the event of a draw for each receiver. To be run in the act that ends its hold, before the draw counts as
 * booked.
 */
export function announceDrawStatements(id: HoldId, { hooks, payer, currency }: DrawNews): readonly Statement[] {
  const { network, asset, decimals } = currency;
  const zeros = '0'.repeat(decimals - balanceDigits(currency));
  const values = [eventId(DRAWN, id), text(payer), network, text(asset), zeros];
  return hooks.map((hook) => ({
    kind: 'write',
    name: 'announce_draw',
    text: ANNOUNCE,
    values: [text(id), hook, ...values],
  }));
}

const FROM = 'FROM turnpike_draws JOIN turnpike_passes ON turnpike_passes.id = pass';
/** The time of the charge, in the words of its index. */
const ENDED = 'turnpike_draws.ended_at';

/** Reads draws in the order of charging. */
export function pageDrawsStatement(filter: DrawFilter, after: DrawPlace | undefined, limit: number): Statement {
  const conditions = conditionsOf(filter);
  if (after !== undefined) {
    const place = `(${conditions.place(whole(after.endedAt))}, ${conditions.place(text(after.id))})`;
    conditions.add(`(${ENDED}, turnpike_draws.id) > ${place}`);
  }
  const query = `SELECT turnpike_draws.id AS id, pass, route, request_id, charge, usage, held_at, ${ENDED} AS ended_at, payer, balance
    ${FROM} ${conditions.where} ORDER BY ${ENDED}, turnpike_draws.id LIMIT ${conditions.place(limit)}`;
  return { kind: 'report', text: query, values: conditions.values };
}

/** Counts draws per day, route, balance, model and charge; the caller multiplies. */
export function drawTotalsStatement(filter: DrawFilter, { modelOfUsage }: Dialect): Statement {
  const { where, values } = conditionsOf(filter);
  const query = `SELECT (${ENDED} / ${DAY_MS}) AS day, route, balance, ${modelOfUsage} AS model, charge, COUNT(*) AS every
    ${FROM} ${where} GROUP BY 1, 2, 3, 4, 5`;
  return { kind: 'report', text: query, values };
}

function conditionsOf({ since, until, route, payer }: DrawFilter): Conditions {
  const conditions = new Conditions();
  conditions.add(`${ENDED} IS NOT NULL AND usage IS NOT NULL`);
  if (since !== undefined) conditions.add(`${ENDED} >= ${conditions.place(whole(since))}`);
  if (until !== undefined) conditions.add(`${ENDED} < ${conditions.place(whole(until))}`);
  if (route !== undefined) conditions.addRoute(route);
  if (payer !== undefined) conditions.addPayer(payer);
  return conditions;
}
