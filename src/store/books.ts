import type { Network } from '../domain/network.ts';
import type { PaymentRecord } from '../domain/payment-record.ts';
import type { PaymentState } from '../domain/payment-state.ts';

/** Selects rows. */
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
  /** Only payments that no operator has ticked off. */
  readonly unresolved?: true;
  /** Only payments that were charged by what was used. */
  readonly metered?: true;
}

/** The order in which rows are read. */
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

/** One line of the summary of metered payments. */
export interface ModelTotal extends BookTotal {
  /** The model in the answer; `undefined` where the answer names none. */
  readonly model: string | undefined;
}

/** A position in the order of claiming: that of a row. */
export interface BookPlace {
  readonly claimedAt: number;
  readonly key: string;
}

/** A row that exists and cannot be read. */
export interface UnreadableRow {
  /** Empty where not even the key can be read, just as `claimedAt` is absent. */
  readonly key: string;
  readonly claimedAt: number | undefined;
  /** The first column that cannot be read. */
  readonly column: string;
}

/** A page of rows, with those that cannot be read beside the others. */
export interface BookPage {
  readonly records: readonly PaymentRecord[];
  readonly unreadable: readonly UnreadableRow[];
  /** The position for the next page; `undefined` when fewer rows came than were asked for. */
  readonly last: BookPlace | undefined;
}

/** The ledger as operators read it. */
export interface Books {
  /** {@link list}, which reports rows that cannot be read and goes on. Both kinds count for `limit`. */
  page(filter: BookFilter, after: BookPlace | undefined, limit: number, order?: ReadingOrder): Promise<BookPage>;
  /**
   * Rows in the order of claiming, or in reverse, page by page: pass the last row for the next page.
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
   * The position of the row that comes `rows` later; `undefined` where fewer follow. Reads only an index: a search for
   * something rare proceeds in bounded steps, none of which delays other calls.
   */
  skip(after: BookPlace | undefined, rows: number, order?: ReadingOrder): Promise<BookPlace | undefined>;
  /** Totals per day, route and asset. Amounts are added exactly, whatever their size. */
  summarize(filter: BookFilter): Promise<readonly BookTotal[]>;
  /** Totals of metered payments, by model too. Reads their rows: ask for few days. */
  summarizeModels(filter: BookFilter): Promise<readonly ModelTotal[]>;
}
