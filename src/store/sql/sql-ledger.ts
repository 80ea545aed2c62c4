import { parseAmount } from '../../domain/amount.ts';
import { GatewayError } from '../../domain/gateway-error.ts';
import type { PaymentKey } from '../../domain/payment.ts';
import type { PaymentClaim, PaymentRecord, Resolution } from '../../domain/payment-record.ts';
import { type ClaimableState, ENDS_UNPAID, isClaimable, RESOLVABLE } from '../../domain/payment-state.ts';
import type { KeptAnswer } from '../answers.ts';
import type { BookFilter, BookPage, BookPlace, BookTotal, ModelTotal, ReadingOrder } from '../books.ts';
import type { ClaimOutcome, Transition, TransitionOutcome } from '../ledger.ts';
import { OpenCalls } from '../open-calls.ts';
import type { Outbox } from '../outbox.ts';
import type { PassStore } from '../passes.ts';
import type { PaymentStore } from '../payment-store.ts';
import type { Quote } from '../quotes.ts';
import { freshRecord, steppedRecord } from '../record.ts';
import { addUp } from '../totals.ts';
import type { OpenCount, OwedAsset } from '../upkeep.ts';
import type { Uses } from '../uses.ts';
import { listStatement, modelTotalsStatement, skipStatement, totalsStatement } from './book-statements.ts';
import {
  countKeptStatement,
  dropAnswerStatement,
  forgetAnswersStatement,
  forgetQuotesStatement,
  keepStatement,
  recallQuotesStatement,
  recallStatement,
  rememberStatements,
} from './memo-statements.ts';
import { announceStatements } from './outbox-statements.ts';
import {
  claimStatement,
  findStatement,
  namesakeStatement,
  resolveStatement,
  stepStatement,
} from './payment-statements.ts';
import { damaged, readBytes, readJson, readOptional, readRecord, readState, readText, readWhole } from './row.ts';
import { readGroup, readModel } from './row-group.ts';
import { readPage } from './row-page.ts';
import { type Dialect, type SqlEngine, type SqlRow, type Statement, UniqueViolation } from './sql-engine.ts';
import { SqlOutbox } from './sql-outbox.ts';
import { SqlPasses } from './sql-passes.ts';
import { SqlUses } from './sql-uses.ts';
import { readSound } from './try-read.ts';
import {
  beatStatement,
  confirmStatement,
  countOpenStatement,
  countOwedByStatement,
  countOwedStatement,
  forgetOwnersStatement,
  forgetUnmovedStatement,
  markPaymentsStatement,
  mayHaveForgottenStatement,
  owedAmountsStatement,
  pruneStatement,
  retireStatement,
  takeDefaultedStatement,
  takeOpenStatement,
  takeSettledStatement,
} from './upkeep-statements.ts';

/** Tries of a claim: the row that blocked it may be deleted before it can be read. */
const CLAIM_ROUNDS = 8;

/**
 * The ledger in SQL: one implementation for every engine. Each change is one statement, which is what makes it one
 * atomic act over all processes that share the database; no change depends on an earlier read.
 */
export class SqlLedger implements PaymentStore {
  readonly #engine: SqlEngine;
  readonly #clock: () => number;
  readonly #calls = new OpenCalls();
  readonly passes: PassStore;
  readonly outbox: Outbox;
  readonly uses: Uses;

  /** @param clock Unix milliseconds */
  constructor(engine: SqlEngine, clock: () => number) {
    this.#engine = engine;
    this.passes = new SqlPasses(engine, this.#calls);
    this.outbox = new SqlOutbox(engine, this.#calls);
    this.uses = new SqlUses(engine, this.#calls);
    this.#clock = clock;
  }

  claim(claim: PaymentClaim): Promise<ClaimOutcome> {
    return this.#calls.run(async () => {
      for (let round = 0; round < CLAIM_ROUNDS; round += 1) {
        const outcome = await this.#tryClaim(claim);
        if (outcome !== undefined) return outcome;
      }
      throw new GatewayError('store_unavailable', { cause: new Error(`${claim.key} changes all the time`) });
    });
  }

  transition(key: PaymentKey, epoch: number, step: Transition, held?: PaymentRecord): Promise<TransitionOutcome> {
    return this.#calls.run(async () => {
      const moved = await this.#step({ key, epoch }, step, held);
      if (moved !== undefined) return { kind: 'moved', record: moved };
      const record = await this.#readOne(findStatement(key));
      // At the caller's epoch, only the state can have forbidden the step.
      if (record?.epoch === epoch) throw new Error(`a payment cannot go from ${record.state} to ${step.to}`);
      return { kind: 'stale', record };
    });
  }

  find(key: PaymentKey): Promise<PaymentRecord | undefined> {
    return this.#calls.run(() => this.#readOne(findStatement(key)));
  }

  mayHaveForgotten(expiresAt: number): Promise<boolean> {
    return this.#calls.run(async () => (await this.#engine.run(mayHaveForgottenStatement(expiresAt))).length > 0);
  }

  beat(owner: string, now: number): Promise<void> {
    return this.#run(beatStatement(owner, now));
  }

  retire(owner: string): Promise<void> {
    return this.#run(retireStatement(owner));
  }

  takeOpen(owner: string, now: number, holdMs: number, limit: number, living = now): Promise<readonly PaymentRecord[]> {
    return this.#calls.run(async () => {
      const { dialect } = this.#engine;
      const open = await this.#engine.run(takeOpenStatement({ owner, now, holdMs, limit, living }, dialect));
      // The next statement runs only if this one took nothing: rows that were taken must reach the caller, even if a
      // second statement fails. A damaged row does not block the others: it stays in `countOpen`, with its age.
      if (open.length > 0) return readSound(open, readRecord);
      const debts = await this.#engine.run(takeDefaultedStatement({ owner, now, holdMs, limit }, dialect));
      if (debts.length > 0) return readSound(debts, readRecord);
      const settled = await this.#engine.run(takeSettledStatement({ owner, now, holdMs, limit }, dialect));
      return readSound(settled, readRecord);
    });
  }

  confirm(key: PaymentKey): Promise<void> {
    return this.#run(confirmStatement(key));
  }

  countOwed(upTo: number): Promise<number> {
    return this.#count(countOwedStatement(upTo));
  }

  async countOwedBy(payer: string, upTo: number): Promise<number> {
    return Math.min(upTo, await this.#count(countOwedByStatement(payer, upTo)));
  }

  sumOwed(asset: OwedAsset, payer: string | undefined): Promise<bigint> {
    return this.#calls.run(async () => {
      const rows = await this.#engine.run(owedAmountsStatement(asset, payer));
      const sums = rows.map(
        (row) => (parseAmount(row.get('amount')) ?? damaged('amount')) * BigInt(readWhole(row, 'every')),
      );
      return sums.reduce((sum, amount) => sum + amount, 0n);
    });
  }

  countOpen(): Promise<readonly OpenCount[]> {
    return this.#calls.run(async () => {
      const rows = await this.#engine.run(countOpenStatement());
      return rows.map((row) => ({
        state: readState(row),
        count: readWhole(row, 'every'),
        oldestAt: readWhole(row, 'oldest'),
      }));
    });
  }

  prune(changedBefore: number, expiredBefore: number, limit: number): Promise<number> {
    return this.#calls.run(async () => {
      const pruned = await this.#prune(changedBefore, expiredBefore, limit);
      await this.#engine.run(forgetOwnersStatement(changedBefore));
      return pruned;
    });
  }

  forgetUnmoved(state: ClaimableState, changedBefore: number, limit: number): Promise<number> {
    return this.#delete((dialect) => forgetUnmovedStatement(state, changedBefore, limit, dialect));
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

  resolve(key: PaymentKey, resolution: Resolution): Promise<PaymentRecord | undefined> {
    return this.#calls.run(() => this.#readOne(resolveStatement(key, resolution, RESOLVABLE)));
  }

  keep(key: PaymentKey, answer: KeptAnswer): Promise<void> {
    return this.#run(keepStatement(key, answer, this.#clock()));
  }

  recall(key: PaymentKey): Promise<KeptAnswer | undefined> {
    return this.#calls.run(async () => {
      const [row] = await this.#engine.run(recallStatement(key));
      return row === undefined ? undefined : readAnswer(row);
    });
  }

  countKept(): Promise<number> {
    return this.#count(countKeptStatement());
  }

  forgetAnswers(keptBefore: number, limit: number): Promise<number> {
    return this.#delete((dialect) => forgetAnswersStatement(keptBefore, limit, dialect));
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

  close(): Promise<void> {
    return this.#calls.close(() => this.#engine.close());
  }

  /** One try; `undefined` when the row that blocked it is gone meanwhile. */
  async #tryClaim(claim: PaymentClaim): Promise<ClaimOutcome | undefined> {
    const claimed = await this.#insert(claim);
    if (claimed !== undefined) return { kind: 'claimed', record: claimed };
    const held = await this.#readOne(findStatement(claim.key));
    if (held !== undefined && !isClaimable(held.state)) return { kind: 'held', record: held };
    if (claim.identifier === undefined) return undefined;
    const namesake = await this.#readOne(namesakeStatement(claim.identifier));
    return namesake === undefined ? undefined : { kind: 'held', record: namesake };
  }

  /** Two acts: the mark is written before rows are deleted. No row that expires after the mark is deleted. */
  async #prune(changedBefore: number, expiredBefore: number, limit: number): Promise<number> {
    const { dialect } = this.#engine;
    const [marked] = await this.#engine.run(markPaymentsStatement(changedBefore, expiredBefore, limit));
    if (marked === undefined) return 0;
    const before = Math.min(expiredBefore, readWhole(marked, 'until_at') + 1);
    return (await this.#engine.run(pruneStatement(changedBefore, before, limit, dialect))).length;
  }

  /** Deletes rows; the statement returns one for each. */
  #delete(statement: (dialect: Dialect) => Statement): Promise<number> {
    return this.#calls.run(async () => (await this.#engine.run(statement(this.#engine.dialect))).length);
  }

  #count(statement: Statement): Promise<number> {
    return this.#calls.run(async () => {
      const [row] = await this.#engine.run(statement);
      return row === undefined ? damaged('count') : readWhole(row, 'every');
    });
  }

  /** `undefined` when the key or the identifier is taken. */
  async #insert(claim: PaymentClaim): Promise<PaymentRecord | undefined> {
    const now = this.#clock();
    try {
      const [row] = await this.#engine.run(claimStatement(claim, now));
      return row && freshRecord(claim, readWhole(row, 'epoch'), now);
    } catch (error) {
      if (error instanceof UniqueViolation) return undefined;
      throw error;
    }
  }

  /**
   * Takes a step, deletes an answer that it ends, and writes its webhook event, in one act; `undefined` when the step
   * could not be taken.
   */
  async #step(
    at: Pick<PaymentRecord, 'key' | 'epoch'>,
    step: Transition,
    held: PaymentRecord | undefined,
  ): Promise<PaymentRecord | undefined> {
    const { key, epoch } = at;
    const now = this.#clock();
    const statement = stepStatement(at, step, now, held === undefined ? 'row' : 'epoch');
    if (statement === undefined) return undefined;
    const more = [
      ...(ENDS_UNPAID.includes(step.to) ? [dropAnswerStatement(key, epoch + 1, step.to)] : []),
      ...(step.news === undefined ? [] : announceStatements(key, epoch, step.to, step.news)),
    ];
    const [[row] = []] = await this.#engine.runTogether([statement, ...more]);
    if (row === undefined) return undefined;
    return held === undefined ? readRecord(row) : steppedRecord(held, step, now);
  }

  async #readOne(statement: Statement): Promise<PaymentRecord | undefined> {
    const [row] = await this.#engine.run(statement);
    return row === undefined ? undefined : readRecord(row);
  }

  #run(...statements: readonly Statement[]): Promise<void> {
    return this.#calls.run(async () => {
      for (const statement of statements) await this.#engine.run(statement);
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
