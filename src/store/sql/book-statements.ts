import { OPEN } from '../../domain/payment-state.ts';
import type { BookFilter, BookPlace, ReadingOrder } from '../books.ts';
import { DAY_MS, dayOf } from '../totals.ts';
import { IS_OPEN, IS_OWING, IS_SETTLED } from './conditions.ts';
import { Conditions } from './report-conditions.ts';
import { COLUMNS, text, whole } from './row.ts';
import type { Dialect, Statement } from './sql-engine.ts';

/**
 * UTC days of the claim since the epoch, and the money that moved or may move: in the same words as the index of the
 * totals.
 */
export const DAY = `(claimed_at / ${DAY_MS})`;
export const MOVED = 'COALESCE(settled_amount, amount)';

/** Reads rows in the order of claiming. */
export function listStatement(
  filter: BookFilter,
  after: BookPlace | undefined,
  limit: number,
  order: ReadingOrder = 'oldest first',
): Statement {
  const conditions = new PaymentConditions(filter);
  if (after !== undefined) conditions.addAfter(after, order);
  const isOfOpen = filter.states?.every((state) => OPEN.includes(state)) === true;
  if (isOfOpen) conditions.add(IS_OPEN);
  const { where } = conditions;
  // Open rows are few: their own index finds them, and then they are sorted. `+ 0` hides the index of the order, by
  // which an engine would read all rows instead.
  const direction = directionOf(order);
  const sorting = `${isOfOpen ? 'claimed_at + 0' : 'claimed_at'} ${direction}, key ${direction}`;
  const query = `SELECT ${COLUMNS} FROM turnpike_payments ${where} ORDER BY ${sorting} LIMIT ${conditions.place(limit)}`;
  return { kind: 'report', text: query, values: conditions.values };
}

/** Finds the row that comes `rows` later, by the index of the order alone. */
export function skipStatement(
  after: BookPlace | undefined,
  rows: number,
  order: ReadingOrder = 'oldest first',
): Statement {
  const conditions = new PaymentConditions({});
  if (after !== undefined) conditions.addAfter(after, order);
  const direction = directionOf(order);
  const query = `SELECT claimed_at, key FROM turnpike_payments ${conditions.where}
    ORDER BY claimed_at ${direction}, key ${direction} LIMIT 1 OFFSET ${conditions.place(rows - 1)}`;
  return { kind: 'report', text: query, values: conditions.values };
}

/**
 * Counts rows per day, route, asset and amount. Amounts are never added by an engine, which would round or overflow:
 * equal ones are counted, and the caller multiplies.
 */
export function totalsStatement(filter: BookFilter): Statement {
  const conditions = new PaymentConditions(filter);
  // In the same words as the index, which begins with the day.
  if (filter.since !== undefined) conditions.add(`${DAY} >= ${conditions.place(dayOf(filter.since))}`);
  const { where, values } = conditions;
  const query = `SELECT ${DAY} AS day, route, network, asset, ${MOVED} AS amount,
      COUNT(CASE WHEN ${IS_SETTLED} THEN 1 END) AS settled, COUNT(CASE WHEN ${IS_OWING} THEN 1 END) AS pending
    FROM turnpike_payments ${where} GROUP BY 1, 2, 3, 4, 5`;
  return { kind: 'report', text: query, values };
}

/** The same for rows with usage, by model too. It reads rows in the order of claiming, since no index has the model. */
export function modelTotalsStatement(filter: BookFilter, { modelOfUsage }: Dialect): Statement {
  const { where, values } = new PaymentConditions({ ...filter, metered: true });
  const query = `SELECT ${DAY} AS day, route, network, asset, ${modelOfUsage} AS model, ${MOVED} AS amount,
      COUNT(CASE WHEN ${IS_SETTLED} THEN 1 END) AS settled, COUNT(CASE WHEN ${IS_OWING} THEN 1 END) AS pending
    FROM turnpike_payments ${where} GROUP BY 1, 2, 3, 4, 5, 6`;
  return { kind: 'report', text: query, values };
}

/** The `WHERE` of a report of payments, by its filter. */
class PaymentConditions extends Conditions {
  constructor({ since, until, route, states, payer, name, unresolved, metered }: BookFilter) {
    super();
    if (since !== undefined) this.add(`claimed_at >= ${this.place(since)}`);
    if (until !== undefined) this.add(`claimed_at < ${this.place(until)}`);
    if (route !== undefined) this.addRoute(route);
    if (payer !== undefined) this.addPayer(payer);
    if (name !== undefined) this.#addName(name);
    if (unresolved === true) this.add('resolved_at IS NULL');
    if (metered === true) this.add('usage IS NOT NULL');
    if (states !== undefined) this.add(`state IN (${states.map((state) => this.place(state)).join(', ')})`);
  }

  addAfter({ claimedAt, key }: BookPlace, order: ReadingOrder): void {
    const beyond = order === 'oldest first' ? '>' : '<';
    this.add(`(claimed_at, key) ${beyond} (${this.place(whole(claimedAt))}, ${this.place(text(key))})`);
  }

  /** Hashes of EVM chains are hexadecimal, where the case of letters means nothing; elsewhere it does. */
  #addName(name: string): void {
    const isHex = /^0x/i.test(name);
    const value = text(isHex ? name.toLowerCase() : name);
    const of = (column: string): string => (isHex ? `LOWER(${column})` : column);
    const nonce = text(`|${value}`);
    this.add(
      `(key = ${this.place(text(name))} OR request_id = ${this.place(text(name))}
        OR ${of('settled_transaction')} = ${this.place(value)} OR ${of('attempt_transaction')} = ${this.place(value)}
        OR ${of(`SUBSTR(key, LENGTH(key) - ${[...nonce].length - 1})`)} = ${this.place(nonce)})`,
    );
  }
}

function directionOf(order: ReadingOrder): string {
  return order === 'oldest first' ? 'ASC' : 'DESC';
}
