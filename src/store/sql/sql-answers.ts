import type { PaymentKey } from '../../domain/payment.ts';
import type { Answers, KeptAnswer } from '../answers.ts';
import type { OpenCalls } from '../open-calls.ts';
import { countKeptStatement, forgetAnswersStatement, keepStatement, recallStatement } from './answer-statements.ts';
import { damaged, readBytes, readCount, readJson, readOptional, readText, readWhole } from './row.ts';
import type { SqlEngine, SqlRow } from './sql-engine.ts';

/** Kept answers in SQL: one implementation for every engine, each call one statement. */
export class SqlAnswers implements Answers {
  readonly #engine: SqlEngine;
  readonly #calls: OpenCalls;
  readonly #clock: () => number;

  /**
   * @param calls the ledger's open calls, with which it closes
   * @param clock Unix milliseconds
   */
  constructor(engine: SqlEngine, calls: OpenCalls, clock: () => number) {
    this.#engine = engine;
    this.#calls = calls;
    this.#clock = clock;
  }

  keep(key: PaymentKey, answer: KeptAnswer): Promise<void> {
    return this.#calls.run(async () => {
      await this.#engine.run(keepStatement(key, answer, this.#clock()));
    });
  }

  recall(key: PaymentKey): Promise<KeptAnswer | undefined> {
    return this.#calls.run(async () => {
      const [row] = await this.#engine.run(recallStatement(key));
      return row === undefined ? undefined : readAnswer(row);
    });
  }

  countKept(): Promise<number> {
    return this.#calls.run(async () => readCount(await this.#engine.run(countKeptStatement())));
  }

  forgetAnswers(keptBefore: number, limit: number): Promise<number> {
    return this.#calls.run(async () => {
      const { dialect } = this.#engine;
      return (await this.#engine.run(forgetAnswersStatement(keptBefore, limit, dialect))).length;
    });
  }
}

function readAnswer(row: SqlRow): KeptAnswer {
  const headers: unknown = readJson(row, 'headers');
  return {
    status: readWhole(row, 'status'),
    statusText: readText(row, 'status_text'),
    headers: Array.isArray(headers) && headers.every((part) => typeof part === 'string') ? headers : damaged('headers'),
    body: readBytes(row, 'body'),
    requestId: readText(row, 'request_id'),
    requestDigest: readOptional(row, 'request_digest'),
  };
}
