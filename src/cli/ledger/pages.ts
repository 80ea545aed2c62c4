import type { PaymentRecord } from '../../domain/payment-record.ts';
import type { BookFilter, Books, ReadingOrder } from '../../store/books.ts';

/** Rows of one page: few enough that neither memory nor a request at the same store notices. */
const PAGE_ROWS = 500;

/** How far to read, and from which end. */
export interface Reading {
  readonly pageRows?: number;
  readonly order?: ReadingOrder;
  /** Most payments in all; default: every one. */
  readonly limit?: number | undefined;
}

/** Reads payments in the order of claiming, one page in memory at a time; no page is empty. */
export async function* readPages(
  books: Pick<Books, 'list'>,
  filter: BookFilter,
  { pageRows = PAGE_ROWS, order = 'oldest first', limit = Number.POSITIVE_INFINITY }: Reading = {},
): AsyncGenerator<readonly PaymentRecord[]> {
  let after: { claimedAt: number; key: string } | undefined;
  for (let left = limit; left > 0; left -= pageRows) {
    const rows = Math.min(pageRows, left);
    const page = await books.list(filter, after, rows, order);
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    if (page.length < rows) return;
    after = { claimedAt: last.claimedAt, key: last.key };
  }
}
