import type { OpenCalls } from '../open-calls.ts';
import type { Quote, Quotes } from '../quotes.ts';
import { forgetQuotesStatement, recallQuotesStatement, rememberStatements } from './quote-statements.ts';
import { readText, readWhole } from './row.ts';
import type { SqlEngine } from './sql-engine.ts';

/** Quotes in SQL: one implementation for every engine. */
export class SqlQuotes implements Quotes {
  readonly #engine: SqlEngine;
  readonly #calls: OpenCalls;

  /** @param calls the ledger's open calls, with which it closes */
  constructor(engine: SqlEngine, calls: OpenCalls) {
    this.#engine = engine;
    this.#calls = calls;
  }

  rememberQuotes(quotes: readonly Omit<Quote, 'seenAt'>[], now: number): Promise<void> {
    return this.#calls.run(async () => {
      for (const together of rememberStatements(quotes, now)) await this.#engine.runTogether(together);
    });
  }

  recallQuotes(since: number): Promise<readonly Quote[]> {
    return this.#calls.run(async () => {
      await this.#engine.run(forgetQuotesStatement(since));
      const rows = await this.#engine.run(recallQuotesStatement(since));
      return rows.map((row) => ({
        route: readText(row, 'route'),
        offer: readText(row, 'offer'),
        seenAt: readWhole(row, 'seen_at'),
      }));
    });
  }
}
