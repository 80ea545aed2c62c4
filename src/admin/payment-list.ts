import type { PaymentRecord } from '../domain/payment-record.ts';
import { OPEN } from '../domain/payment-state.ts';
import type { BookFilter, BookPlace, Books, UnreadableRow } from '../store/books.ts';

/** Rows that one step of a search looks through at most: some tenths of a second. */
const STEP_ROWS = 100_000;

/** One page of payments, the latest first. */
export interface PaymentPage {
  readonly records: readonly PaymentRecord[];
  readonly unreadable: readonly UnreadableRow[];
  /** Where the next page begins; `undefined` after the last one. */
  readonly next: BookPlace | undefined;
  /** Unix milliseconds back to which this page looked; `undefined` when it looked to the end or found enough. */
  readonly searchedTo: number | undefined;
}

/**
 * Reads a page. A search for rare payments returns after one step, with what it found, perhaps nothing, and the place
 * to go on from. Neither the reader nor the ledger waits for a search through millions of rows.
 */
export async function readPaymentPage(
  books: Pick<Books, 'page' | 'skip'>,
  filter: BookFilter,
  after: BookPlace | undefined,
  limit: number,
  stepRows: number = STEP_ROWS,
): Promise<PaymentPage> {
  const end = needsSteps(filter) ? await books.skip(after, stepRows, 'newest first') : undefined;
  const since = Math.max(filter.since ?? 0, end?.claimedAt ?? 0);
  const bounded = since > 0 ? { ...filter, since } : filter;
  const { records, unreadable, last } = await books.page(bounded, after, limit, 'newest first');
  if (last !== undefined) return { records, unreadable, next: last, searchedTo: undefined };
  if (end === undefined || end.claimedAt <= (filter.since ?? 0)) {
    return { records, unreadable, next: undefined, searchedTo: undefined };
  }
  // That millisecond was searched completely: no key comes before an empty key.
  return { records, unreadable, next: { claimedAt: end.claimedAt, key: '' }, searchedTo: end.claimedAt };
}

/** Open payments have an index of their own. Without conditions, every row matches. */
function needsSteps({ states, route, payer, name, unresolved, metered }: BookFilter): boolean {
  if (states?.every((state) => OPEN.includes(state)) === true) return false;
  return [states, route, payer, name, unresolved, metered].some((condition) => condition !== undefined);
}
