import type { PaymentRecord } from '../../domain/payment-record.ts';
import type { BookFilter, Books } from '../../store/books.ts';

/** Rows of one page: few enough that neither memory nor a request at the same store notices. */
const PAGE_ROWS = 500;

/** Reads payments in the order of claiming, one page in memory at a time; no page is empty. */
export async function* readPages(
  books: Pick<Books, 'list'>,
  filter: BookFilter,
  pageRows: number = PAGE_ROWS,
): AsyncGenerator<readonly PaymentRecord[]> {
  let after: { claimedAt: number; key: string } | undefined;
  for (;;) {
    const page = await books.list(filter, after, pageRows);
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    if (page.length < pageRows) return;
    after = { claimedAt: last.claimedAt, key: last.key };
  }
}
