import type { BookFilter, BookPage, BookPlace, Books, ReadingOrder } from '../../store/books.ts';

/** Rows of one page: few enough that neither memory nor a request at the same store notices. */
export const PAGE_ROWS = 500;

/** How far to read, and from which end. */
export interface Reading {
  readonly pageRows?: number;
  readonly order?: ReadingOrder;
  /** Most payments in all; default: every one. */
  readonly limit?: number | undefined;
}

/** Reads payments in the order of claiming, one page in memory at a time; no page is empty. */
export async function* readPages(
  books: Pick<Books, 'page'>,
  filter: BookFilter,
  { pageRows = PAGE_ROWS, order = 'oldest first', limit = Number.POSITIVE_INFINITY }: Reading = {},
): AsyncGenerator<BookPage> {
  let after: BookPlace | undefined;
  for (let left = limit; left > 0; left -= pageRows) {
    const page = await books.page(filter, after, Math.min(pageRows, left), order);
    if (page.records.length + page.unreadable.length > 0) yield page;
    if (page.last === undefined) return;
    after = page.last;
  }
}
