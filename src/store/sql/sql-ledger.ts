import { GatewayError } from '../../domain/gateway-error.ts';
import type { PaymentKey } from '../../domain/payment.ts';
import type { PaymentClaim, PaymentRecord, Resolution } from '../../domain/payment-record.ts';
import { type ClaimableState, ENDS_UNPAID, isClaimable } from '../../domain/payment-state.ts';
import type { Answers, KeptAnswer } from '../answers.ts';
import type { BookFilter, BookPage, BookPlace, Books, BookTotal, ModelTotal, ReadingOrder } from '../books.ts';
import type { ClaimOutcome, Transition, TransitionOutcome } from '../ledger.ts';
import { OpenCalls } from '../open-calls.ts';
import type { Outbox } from '../outbox.ts';
import type { PassStore } from '../passes.ts';
import type { PaymentStore } from '../payment-store.ts';
import type { Quote, Quotes } from '../quotes.ts';
import { freshRecord, steppedRecord } from '../record.ts';
import type { OpenCount, OwedAsset, Upkeep } from '../upkeep.ts';
import type { Uses } from '../uses.ts';
import { dropAnswerStatement } from './answer-statements.ts';
import { announceStatements } from './outbox-statements.ts';
import { claimStatement, findStatement, namesakeStatement, stepStatement } from './payment-statements.ts';
import { readRecord, readWhole } from './row.ts';
import { SqlAnswers } from './sql-answers.ts';
import { SqlBooks } from './sql-books.ts';
import { type SqlEngine, type Statement, UniqueViolation } from './sql-engine.ts';
import { SqlOutbox } from './sql-outbox.ts';
import { SqlPasses } from './sql-passes.ts';
import { SqlQuotes } from './sql-quotes.ts';
import { SqlUpkeep } from './sql-upkeep.ts';
import { SqlUses } from './sql-uses.ts';
import { mayHaveForgottenStatement } from './upkeep-statements.ts';

/** Tries of a claim: the row that blocked it may be deleted before it can be read. */
const CLAIM_ROUNDS = 8;

/**
 * The ledger in SQL: one implementation for every engine. Claims and steps are here. Each of them is one statement,
 * which is what makes it one atomic act over all processes that share the database; no change depends on an earlier
 * read. The rest of the store is in the classes that it is handed to.
 */
export class SqlLedger implements PaymentStore {
  readonly #engine: SqlEngine;
  readonly #clock: () => number;
  readonly #calls = new OpenCalls();
  readonly #upkeep: Upkeep;
  readonly #books: Books;
  readonly #answers: Answers;
  readonly #quotes: Quotes;
  readonly passes: PassStore;
  readonly outbox: Outbox;
  readonly uses: Uses;

  /** @param clock Unix milliseconds */
  constructor(engine: SqlEngine, clock: () => number) {
    this.#engine = engine;
    this.#clock = clock;
    this.#upkeep = new SqlUpkeep(engine, this.#calls);
    this.#books = new SqlBooks(engine, this.#calls);
    this.#answers = new SqlAnswers(engine, this.#calls, clock);
    this.#quotes = new SqlQuotes(engine, this.#calls);
    this.passes = new SqlPasses(engine, this.#calls);
    this.outbox = new SqlOutbox(engine, this.#calls);
    this.uses = new SqlUses(engine, this.#calls);
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
    return this.#upkeep.beat(owner, now);
  }

  retire(owner: string): Promise<void> {
    return this.#upkeep.retire(owner);
  }

  takeOpen(...taking: Parameters<Upkeep['takeOpen']>): Promise<readonly PaymentRecord[]> {
    return this.#upkeep.takeOpen(...taking);
  }

  livingOwners(living: number): Promise<ReadonlySet<string>> {
    return this.#upkeep.livingOwners(living);
  }

  takeDue(owner: string, now: number, holdMs: number, limit: number): Promise<readonly PaymentRecord[]> {
    return this.#upkeep.takeDue(owner, now, holdMs, limit);
  }

  takeOwed(owner: string, now: number, holdMs: number, limit: number): Promise<readonly PaymentRecord[]> {
    return this.#upkeep.takeOwed(owner, now, holdMs, limit);
  }

  confirm(key: PaymentKey): Promise<void> {
    return this.#upkeep.confirm(key);
  }

  resolve(key: PaymentKey, resolution: Resolution): Promise<PaymentRecord | undefined> {
    return this.#upkeep.resolve(key, resolution);
  }

  countOpen(): Promise<readonly OpenCount[]> {
    return this.#upkeep.countOpen();
  }

  countOwed(upTo: number): Promise<number> {
    return this.#upkeep.countOwed(upTo);
  }

  countOwedBy(payer: string, upTo: number): Promise<number> {
    return this.#upkeep.countOwedBy(payer, upTo);
  }

  sumOwed(asset: OwedAsset, payer: string | undefined): Promise<bigint> {
    return this.#upkeep.sumOwed(asset, payer);
  }

  prune(changedBefore: number, expiredBefore: number, limit: number): Promise<number> {
    return this.#upkeep.prune(changedBefore, expiredBefore, limit);
  }

  forgetUnmoved(state: ClaimableState, changedBefore: number, limit: number): Promise<number> {
    return this.#upkeep.forgetUnmoved(state, changedBefore, limit);
  }

  list(
    filter: BookFilter,
    after: BookPlace | undefined,
    limit: number,
    order?: ReadingOrder,
  ): Promise<readonly PaymentRecord[]> {
    return this.#books.list(filter, after, limit, order);
  }

  page(filter: BookFilter, after: BookPlace | undefined, limit: number, order?: ReadingOrder): Promise<BookPage> {
    return this.#books.page(filter, after, limit, order);
  }

  skip(after: BookPlace | undefined, rows: number, order?: ReadingOrder): Promise<BookPlace | undefined> {
    return this.#books.skip(after, rows, order);
  }

  summarize(filter: BookFilter): Promise<readonly BookTotal[]> {
    return this.#books.summarize(filter);
  }

  summarizeModels(filter: BookFilter): Promise<readonly ModelTotal[]> {
    return this.#books.summarizeModels(filter);
  }

  keep(key: PaymentKey, answer: KeptAnswer): Promise<void> {
    return this.#answers.keep(key, answer);
  }

  recall(key: PaymentKey): Promise<KeptAnswer | undefined> {
    return this.#answers.recall(key);
  }

  countKept(): Promise<number> {
    return this.#answers.countKept();
  }

  forgetAnswers(keptBefore: number, limit: number): Promise<number> {
    return this.#answers.forgetAnswers(keptBefore, limit);
  }

  rememberQuotes(quotes: readonly Omit<Quote, 'seenAt'>[], now: number): Promise<void> {
    return this.#quotes.rememberQuotes(quotes, now);
  }

  recallQuotes(since: number): Promise<readonly Quote[]> {
    return this.#quotes.recallQuotes(since);
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
    const statement = stepStatement(at, step, now, held === undefined ? 'row' : 'changes');
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
}
