import type { Answers } from './answers.ts';
import type { Books } from './books.ts';
import type { Ledger } from './ledger.ts';
import type { Outbox } from './outbox.ts';
import type { PassStore } from './passes.ts';
import type { Quotes } from './quotes.ts';
import type { Upkeep } from './upkeep.ts';
import type { Uses } from './uses.ts';

/** Everything that a store keeps. Each part is an interface of its own, for those who need no more than it. */
export interface PaymentStore extends Ledger, Upkeep, Books, Answers, Quotes {
  /** What payments bought beside one answer. Closes with the ledger. */
  readonly passes: PassStore;
  /** What receivers have not been told yet. Closes with the ledger. */
  readonly outbox: Outbox;
  /** How often things were used that may be used so many times for nothing. Closes with the ledger. */
  readonly uses: Uses;
}
