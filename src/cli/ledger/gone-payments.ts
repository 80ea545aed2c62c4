import { isStoreFault } from '../../domain/gateway-error.ts';
import type { BookFilter } from '../../store/books.ts';
import { notice, type Terminal } from '../terminal.ts';
import type { OpenBooks } from './open-books.ts';

/**
 * Says so where payments of a report's time were deleted: its sums look like those of the whole time. An authorization
 * ends after its claim: if one that ended after a moment was deleted, payments from that moment on may be missing.
 */
export async function noteGonePayments(
  { books }: Pick<OpenBooks, 'books'>,
  { since = 0 }: BookFilter,
  terminal: Terminal,
): Promise<void> {
  try {
    if (!(await books.mayHaveForgotten(Math.floor(since / 1000)))) return;
  } catch (fault) {
    // A user with rights to the payments alone gets its report.
    if (isStoreFault(fault)) return;
    throw fault;
  }
  notice(
    terminal,
    'note: payments of this time have been deleted and are missing here; `retention` (default 90 days) says when; a later --since leaves their time out',
  );
}
