import { isStoreFault } from '../../domain/gateway-error.ts';
import type { BookFilter } from '../../store/books.ts';
import { notice, type Terminal } from '../terminal.ts';
import type { OpenBooks } from './open-books.ts';

/**
 * Says so where a report reaches back to payments that were deleted: its sums look like those of the whole time.
 * Authorizations end after their claim, so that of the payments from a moment on some may be gone if one was deleted
 * whose authorization ended later.
 */
export async function noteGonePayments(
  { books }: Pick<OpenBooks, 'books'>,
  { since = 0 }: BookFilter,
  terminal: Terminal,
): Promise<void> {
  try {
    if (!(await books.mayHaveForgotten(Math.floor(since / 1000)))) return;
  } catch (fault) {
    // A reader without rights to more than the payments gets its report.
    if (isStoreFault(fault)) return;
    throw fault;
  }
  notice(
    terminal,
    'note: payments of this time have been deleted, which `retention` says (default 90 days): they are missing here; --since a later time to be sure of all',
  );
}
