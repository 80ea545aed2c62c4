import type { DrawBooks } from './balances.ts';
import type { Books } from './books.ts';
import type { Ledger } from './ledger.ts';
import type { Passes } from './passes.ts';

/**
 * The ledger, read only: opening it makes no table and takes no lock that a gateway waits for, and none of its methods
 * changes anything. The store itself refuses writes.
 */
export interface LedgerReader extends Books, Pick<Ledger, 'find' | 'mayHaveForgotten' | 'close'> {
  readonly passes: Pick<Passes, 'listPasses'> & { readonly balances: DrawBooks };
}
