import type { PaymentRecord } from '../../domain/payment-record.ts';
import { OWING, SETTLED } from '../../domain/payment-state.ts';
import { routeNameOf } from '../../domain/route-price.ts';
import { decodeUsage } from '../../domain/usage.ts';
import type { BookFilter, BookPlace, BookTotal, ModelTotal, ReadingOrder } from '../books.ts';
import { addUp, type BookGroup, dayOf } from '../totals.ts';

/** The rows that match a filter. */
export function matchingRows(
  rows: Iterable<PaymentRecord>,
  { since, until, route, states, payer, name, unresolved, metered }: BookFilter,
): PaymentRecord[] {
  return [...rows].filter(
    (row) =>
      (since === undefined || row.claimedAt >= since) &&
      (until === undefined || row.claimedAt < until) &&
      (route === undefined || row.route === route || routeNameOf(row.route) === route) &&
      (payer === undefined || row.payer.toLowerCase() === payer.toLowerCase()) &&
      (name === undefined || goesBy(row, name)) &&
      (unresolved !== true || row.resolution === undefined) &&
      (metered !== true || row.usage !== undefined) &&
      (states === undefined || states.includes(row.state)),
  );
}

/** The rows that match a filter, ordered, from a position on. */
export function orderedRows(
  rows: Iterable<PaymentRecord>,
  filter: BookFilter,
  after: BookPlace | undefined,
  order: ReadingOrder,
): readonly PaymentRecord[] {
  const compare = order === 'oldest first' ? inOrder : (a: BookPlace, b: BookPlace) => inOrder(b, a);
  return matchingRows(rows, filter)
    .filter((row) => after === undefined || compare(after, row) < 0)
    .sort(compare);
}

/** Sums by day, route and asset. */
export function totalsOf(rows: readonly PaymentRecord[]): readonly BookTotal[] {
  return addUp(rows.map(groupOf));
}

/** The same sums of metered rows, by model too. */
export function modelTotalsOf(rows: readonly PaymentRecord[]): readonly ModelTotal[] {
  return addUp(rows.map((row) => ({ ...groupOf(row), model: decodeUsage(row.usage ?? 'null')?.model })));
}

/** A row as a group of one. */
function groupOf({ claimedAt, route, network, asset, amount, settlement, state }: PaymentRecord): BookGroup {
  return {
    day: dayOf(claimedAt),
    route,
    network,
    asset,
    amount: settlement?.amount ?? amount,
    settled: SETTLED.includes(state) ? 1 : 0,
    open: OWING.includes(state) ? 1 : 0,
  };
}

/** Whether a name means this row: it is its key, its request's id, one of its transactions or its nonce. */
function goesBy({ key, requestId, settlement, attempt }: PaymentRecord, name: string): boolean {
  if (key === name || requestId === name) return true;
  const isHex = /^0x/i.test(name);
  const ids = [settlement?.transaction, attempt?.transaction, key.slice(key.lastIndexOf('|') + 1)];
  return ids.some((id) => (isHex ? id?.toLowerCase() === name.toLowerCase() : id === name));
}

function inOrder(a: BookPlace, b: BookPlace): number {
  return a.claimedAt - b.claimedAt || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
}
