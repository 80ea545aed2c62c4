import type { PaymentRecord } from '../../domain/payment-record.ts';
import type { BookFilter, BookPage, BookPlace, Books, BookTotal, ModelTotal, ReadingOrder } from '../books.ts';
import type { OpenCalls } from '../open-calls.ts';
import { addUp } from '../totals.ts';
import { listStatement, modelTotalsStatement, skipStatement, totalsStatement } from './book-statements.ts';
import { readRecord, readText, readWhole } from './row.ts';
import { readGroup, readModel } from './row-group.ts';
import { readPage } from './row-page.ts';
import type { SqlEngine } from './sql-engine.ts';

/** The books in SQL: one implementation for every engine, each call one statement. */
export class SqlBooks implements Books {
  readonly #engine: SqlEngine;
  readonly #calls: OpenCalls;

  /** @param calls the ledger's open calls, with which it closes */
  constructor(engine: SqlEngine, calls: OpenCalls) {
    this.#engine = engine;
    this.#calls = calls;
  }

  list(
    filter: BookFilter,
    after: BookPlace | undefined,
    limit: number,
    order?: ReadingOrder,
  ): Promise<readonly PaymentRecord[]> {
    return this.#calls.run(async () => {
      // No state is no row; SQL has no empty list.
      if (filter.states?.length === 0) return [];
      return (await this.#engine.run(listStatement(filter, after, limit, order))).map(readRecord);
    });
  }

  page(filter: BookFilter, after: BookPlace | undefined, limit: number, order?: ReadingOrder): Promise<BookPage> {
    return this.#calls.run(async () => {
      if (filter.states?.length === 0) return readPage([], limit);
      return readPage(await this.#engine.run(listStatement(filter, after, limit, order)), limit);
    });
  }

  skip(after: BookPlace | undefined, rows: number, order?: ReadingOrder): Promise<BookPlace | undefined> {
    return this.#calls.run(async () => {
      const [row] = await this.#engine.run(skipStatement(after, rows, order));
      return row && { claimedAt: readWhole(row, 'claimed_at'), key: readText(row, 'key') };
    });
  }

  summarize(filter: BookFilter): Promise<readonly BookTotal[]> {
    return this.#calls.run(async () => {
      if (filter.states?.length === 0) return [];
      return addUp((await this.#engine.run(totalsStatement(filter))).map(readGroup));
    });
  }

  summarizeModels(filter: BookFilter): Promise<readonly ModelTotal[]> {
    return this.#calls.run(async () => {
      if (filter.states?.length === 0) return [];
      const rows = await this.#engine.run(modelTotalsStatement(filter, this.#engine.dialect));
      return addUp(rows.map((row) => ({ ...readGroup(row), model: readModel(row) })));
    });
  }
}
