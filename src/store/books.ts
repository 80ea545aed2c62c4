import type { Network } from '../domain/network.ts';
import type { PaymentRecord } from '../domain/payment-record.ts';
import type { PaymentState } from '../domain/payment-state.ts';

/** Which rows to read. */
export interface BookFilter {
  /** Unix milliseconds of the claim; inclusive. */
  readonly since?: number;
  /** Exclusive. */
  readonly until?: number;
  /** Name of a route, with all its prices, or id of one price. */
  readonly route?: string;
  readonly states?: readonly PaymentState[];
  readonly payer?: string;
  /** Key, request id, transaction (settled or attempted) or nonce, whole. */
  readonly name?: string;
  /** Only those that nobody has noted to have taken care of. */
  readonly unresolved?: true;
  /** Only those that were charged by what was used. */
  readonly metered?: true;
}

/** In which order rows are read. */
export type ReadingOrder = 'oldest first' | 'newest first';

/** One line of the summary. */
export interface BookTotal {
  /** UTC day, `YYYY-MM-DD`, of the claim. */
  readonly day: string;
  readonly route: string;
  readonly network: Network;
  readonly asset: string;
  /** Payments whose money moved. */
  readonly settled: number;
  /** Their sum in atomic units, exact. */
  readonly amount: bigint;
  /** Payments whose money has not moved yet and still may (`owed`, `settling`, `unknown`). */
  readonly open: number;
}

/** One line of the summary of payments that were charged by what was used. */
export interface ModelTotal extends BookTotal {
  /** The model that answered, as the answers name it; `undefined` where they name none. */
  readonly model: string | undefined;
}

/** A place in the order of claiming: that of a row. */
export interface BookPlace {
  readonly claimedAt: number;
  readonly key: string;
}

/** A row that is there and cannot be read. */
export interface UnreadableRow {
  /** Empty where not even that can be read, as `claimedAt` is absent. */
  readonly key: string;
  readonly claimedAt: number | undefined;
  /** The first column that cannot be read. */
  readonly column: string;
}

/** Some rows, those that cannot be read beside the others. */
export interface BookPage {
  readonly records: readonly PaymentRecord[];
  readonly unreadable: readonly UnreadableRow[];
  /** Where to go on; `undefined` when fewer rows came than were asked for. */
  readonly last: BookPlace | undefined;
}

/** The ledger as operators read it. */
export interface Books {
  /** {@link list} for those who go on where a row cannot be read, and tell of it. Both kinds count for `limit`. */
  page(filter: BookFilter, after: BookPlace | undefined, limit: number, order?: ReadingOrder): Promise<BookPage>;
  /**
   * Rows in the order of claiming, or from the latest back, page by page: pass the last row to go on.
   *
   * @throws DamagedRow where one cannot be read
   */
  list(
    filter: BookFilter,
    after: BookPlace | undefined,
    limit: number,
    order?: ReadingOrder,
  ): Promise<readonly PaymentRecord[]>;
  /**
   * The place of the row that comes `rows` after one; `undefined` where fewer follow. Reads an index alone: with it a
   * search for what is rare goes in bounded steps, none of which keeps anybody waiting.
   */
  skip(after: BookPlace | undefined, rows: number, order?: ReadingOrder): Promise<BookPlace | undefined>;
  /** Totals per day, route and asset. Amounts are added exactly, whatever their size. */
  summarize(filter: BookFilter): Promise<readonly BookTotal[]>;
  /** The same of payments that were charged by what was used, by model too. Reads their rows: ask for few days. */
  summarizeModels(filter: BookFilter): Promise<readonly ModelTotal[]>;
}
