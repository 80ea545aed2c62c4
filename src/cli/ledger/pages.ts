import type { BookFilter, BookPage, BookPlace, Books, ReadingOrder } from '../../store/books.ts';

/** Rows of one page: so few that they hardly use memory or slow a request at the same store. */
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
  { order = 'oldest first', ...reading }: Reading = {},
): AsyncGenerator<BookPage> {
  const read = (after: BookPlace | undefined, rows: number): Promise<BookPage> =>
    books.page(filter, after, rows, order);
  for await (const page of pagesOf(read, reading)) {
    if (page.records.length + page.unreadable.length > 0) yield page;
  }
}

/**
 * Reads a list page by page, one page in memory at a time.
 *
 * @param read reads the page after a position, of at most so many rows; `last` is the position of its end, absent at the
 *   end of the list
 */
export async function* pagesOf<Place, Page extends { readonly last: Place | undefined }>(
  read: (after: Place | undefined, rows: number) => Promise<Page>,
  { pageRows = PAGE_ROWS, limit = Number.POSITIVE_INFINITY }: Omit<Reading, 'order'> = {},
): AsyncGenerator<Page> {
  let after: Place | undefined;
  for (let left = limit; left > 0; left -= pageRows) {
    const page = await read(after, Math.min(pageRows, left));
    yield page;
    if (page.last === undefined) return;
    after = page.last;
  }
}
