import type { Answers } from './answers.ts';
import type { Books } from './books.ts';
import type { Ledger } from './ledger.ts';
import type { Outbox } from './outbox.ts';
import type { PassStore } from './passes.ts';
import type { Quotes } from './quotes.ts';
import type { Upkeep } from './upkeep.ts';
import type { Uses } from './uses.ts';

/** Everything that a store keeps. Each part is an interface of its own, for callers that need only that part. */
export interface PaymentStore extends Ledger, Upkeep, Books, Answers, Quotes {
  /** The passes that payments bought. Closes with the ledger. */
  readonly passes: PassStore;
  /** The webhook events that are not delivered yet. Closes with the ledger. */
  readonly outbox: Outbox;
  /** Free uses, counted. Closes with the ledger. */
  readonly uses: Uses;
}
