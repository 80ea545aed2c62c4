import { OPEN } from '../../domain/payment-state.ts';
import type { BookFilter, ReadingOrder } from '../books.ts';
import { DAY_MS } from '../totals.ts';
import { IS_OPEN, IS_OWING, IS_SETTLED } from './conditions.ts';
import { COLUMNS, text, whole } from './row.ts';
import type { SqlValue, Statement } from './sql-engine.ts';

/** Reads rows in the order of claiming. */
export function listStatement(
  filter: BookFilter,
  after: { readonly claimedAt: number; readonly key: string } | undefined,
  limit: number,
  order: ReadingOrder = 'oldest first',
): Statement {
  const conditions = new Conditions(filter);
  const [beyond, direction] = order === 'oldest first' ? ['>', 'ASC'] : ['<', 'DESC'];
  if (after !== undefined) {
    conditions.add(
      `(claimed_at, key) ${beyond} (${conditions.place(whole(after.claimedAt))}, ${conditions.place(text(after.key))})`,
    );
  }
  const isOfOpen = filter.states?.every((state) => OPEN.includes(state)) === true;
  if (isOfOpen) conditions.add(IS_OPEN);
  const { where } = conditions;
  // What is open is little among much: its own index finds it, and it is sorted then. An engine that saw an order which
  // it has an index for would read everything in that order instead.
  const sorting = `${isOfOpen ? 'claimed_at + 0' : 'claimed_at'} ${direction}, key ${direction}`;
  const query = `SELECT ${COLUMNS} FROM turnpike_payments ${where} ORDER BY ${sorting} LIMIT ${conditions.place(limit)}`;
  return { kind: 'report', text: query, values: conditions.values };
}

/**
 * Counts rows per day, route, asset and amount. Amounts are never added by an engine, which would round or overflow:
 * equal ones are counted, and the caller multiplies.
 */
export function totalsStatement(filter: BookFilter): Statement {
  const { where, values } = new Conditions(filter);
  const query = `SELECT claimed_at / ${DAY_MS} AS day, route, network, asset, COALESCE(settled_amount, amount) AS amount,
      COUNT(CASE WHEN ${IS_SETTLED} THEN 1 END) AS settled, COUNT(CASE WHEN ${IS_OWING} THEN 1 END) AS pending
    FROM turnpike_payments ${where} GROUP BY 1, 2, 3, 4, 5`;
  return { kind: 'report', text: query, values };
}

/** The `WHERE` of a report, as far as its filter goes. */
class Conditions {
  readonly values: SqlValue[] = [];
  readonly #conditions: string[] = [];

  constructor({ since, until, route, states, payer, unresolved, metered }: BookFilter) {
    if (since !== undefined) this.add(`claimed_at >= ${this.place(since)}`);
    if (until !== undefined) this.add(`claimed_at < ${this.place(until)}`);
    if (route !== undefined) this.#addRoute(route);
    if (payer !== undefined) this.add(`LOWER(payer) = ${this.place(text(payer.toLowerCase()))}`);
    if (unresolved === true) this.add('resolved_at IS NULL');
    if (metered === true) this.add('usage IS NOT NULL');
    if (states !== undefined) this.add(`state IN (${states.map((state) => this.place(state)).join(', ')})`);
  }

  /** All prices of a route have its name before the `#` of their id. */
  #addRoute(route: string): void {
    const front = `${route}#`;
    const own = `SUBSTR(route, 1, ${[...front].length}) = ${this.place(text(front))}`;
    this.add(`(route = ${this.place(text(route))} OR ${own})`);
  }

  /** Adds a value and gives the placeholder that stands for it. */
  place(value: SqlValue): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }

  add(condition: string): void {
    this.#conditions.push(condition);
  }

  get where(): string {
    return this.#conditions.length === 0 ? '' : `WHERE ${this.#conditions.join(' AND ')}`;
  }
}
