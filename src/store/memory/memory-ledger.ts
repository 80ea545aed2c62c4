import type { PaymentKey } from '../../domain/payment.ts';
import type { PaymentClaim, PaymentRecord, Resolution } from '../../domain/payment-record.ts';
import {
  type ClaimableState,
  COLLECTABLE,
  ENDS_UNPAID,
  isClaimable,
  OPEN,
  PRUNABLE,
  predecessors,
  RESOLVABLE,
  SETTLED,
} from '../../domain/payment-state.ts';
import type { KeptAnswer } from '../answers.ts';
import type { BookFilter, BookPage, BookPlace, BookTotal, ModelTotal, ReadingOrder } from '../books.ts';
import type { ClaimOutcome, Transition, TransitionOutcome } from '../ledger.ts';
import { OpenCalls } from '../open-calls.ts';
import type { PassStore } from '../passes.ts';
import type { PaymentStore } from '../payment-store.ts';
import type { Quote } from '../quotes.ts';
import { freshRecord, steppedRecord } from '../record.ts';
import { type OpenCount, OWNER_GONE_MS, type OwedAsset, type Upkeep } from '../upkeep.ts';
import { MemoryAnswers } from './memory-answers.ts';
import { matchingRows, modelTotalsOf, orderedRows, totalsOf } from './memory-books.ts';
import { debtsOf, openCounts, owedRows, owedSum } from './memory-debts.ts';
import { MemoryOutbox } from './memory-outbox.ts';
import { MemoryPasses } from './memory-passes.ts';
import { MemoryQuotes } from './memory-quotes.ts';
import { isAwaiting, isGone, isToTake, livingIn } from './memory-taking.ts';
import { MemoryUses } from './memory-uses.ts';

/**
 * A ledger in this process's memory, for tests and trials. It forgets everything at exit, including which payments were
 * used; the gateway says so at start.
 */
export function openMemoryLedger(clock: () => number = Date.now): PaymentStore {
  return new MemoryLedger(clock);
}

/** No method waits, so that each call is one atomic act. */
class MemoryLedger implements PaymentStore {
  /** Frozen rows, in the order of claiming. */
  readonly #rows = new Map<PaymentKey, PaymentRecord>();
  /** The payment that last took an identifier. */
  readonly #identified = new Map<string, PaymentKey>();
  /** Time of each process's last heartbeat. */
  readonly #beats = new Map<string, number>();
  readonly #answers = new MemoryAnswers();
  readonly #quotes = new MemoryQuotes();
  /** Expiry of the last payment that was pruned, in Unix seconds. */
  #forgottenUntil = Number.NEGATIVE_INFINITY;
  readonly #clock: () => number;
  readonly #calls = new OpenCalls();
  readonly outbox = new MemoryOutbox(this.#calls);
  readonly passes: PassStore = new MemoryPasses(this.#calls, {
    hasPayment: (key) => this.#rows.has(key),
    isGone: (owner, now) => isGone(this.#beats.get(owner), now),
    drawn: (draw, news) => this.outbox.announceDraw(draw, news),
  });
  readonly uses = new MemoryUses(this.#calls);

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  claim(claim: PaymentClaim): Promise<ClaimOutcome> {
    return this.#calls.run(async () => {
      const held = this.#rows.get(claim.key);
      if (held !== undefined && !isClaimable(held.state)) return { kind: 'held', record: held };
      const namesake = this.#namesakeOf(claim);
      if (namesake !== undefined) return { kind: 'held', record: namesake };
      this.#rows.delete(claim.key);
      if (claim.identifier !== undefined) this.#identified.set(claim.identifier, claim.key);
      return {
        kind: 'claimed',
        record: this.#put(freshRecord(claim, held === undefined ? this.#clock() : held.epoch + 1, this.#clock())),
      };
    });
  }

  transition(key: PaymentKey, epoch: number, step: Transition): Promise<TransitionOutcome> {
    return this.#calls.run(async () => {
      const row = this.#rows.get(key);
      if (row === undefined || row.epoch !== epoch) return { kind: 'stale', record: row };
      if (!predecessors(step.to).includes(row.state)) {
        throw new Error(`a payment cannot go from ${row.state} to ${step.to}`);
      }
      const record = this.#put(steppedRecord(row, step, this.#clock()));
      if (ENDS_UNPAID.includes(step.to)) this.#answers.delete(key);
      if (step.news !== undefined) this.outbox.announce(record, step.news);
      return { kind: 'moved', record };
    });
  }

  find(key: PaymentKey): Promise<PaymentRecord | undefined> {
    return this.#calls.run(async () => this.#rows.get(key));
  }

  mayHaveForgotten(expiresAt: number): Promise<boolean> {
    return this.#calls.run(async () => expiresAt <= this.#forgottenUntil);
  }

  beat(owner: string, now: number): Promise<void> {
    return this.#calls.run(async () => {
      this.#beats.set(owner, now);
    });
  }

  retire(owner: string): Promise<void> {
    return this.#calls.run(async () => {
      this.#beats.delete(owner);
    });
  }

  takeOpen(
    ...[owner, now, holdMs, limit, living = now, lost]: Parameters<Upkeep['takeOpen']>
  ): Promise<readonly PaymentRecord[]> {
    const terms = { owner, now, living, lost, beats: this.#beats };
    return this.#take((row) => isToTake(row, terms), { owner, checkAt: now + holdMs }, limit);
  }

  livingOwners(living: number): Promise<ReadonlySet<string>> {
    return this.#calls.run(async () => livingIn(this.#beats, living));
  }

  takeDue(owner: string, now: number, holdMs: number, limit: number): Promise<readonly PaymentRecord[]> {
    return this.#take((row) => isAwaiting(row, now), { owner, checkAt: now + holdMs }, limit);
  }

  takeOwed(owner: string, now: number, holdMs: number, limit: number): Promise<readonly PaymentRecord[]> {
    const isDue = ({ state, checkAt }: PaymentRecord) => state === 'owed' && checkAt > 0 && checkAt <= now;
    return this.#take(isDue, { owner, checkAt: now + holdMs }, limit);
  }

  confirm(key: PaymentKey): Promise<void> {
    return this.#calls.run(async () => {
      const row = this.#rows.get(key);
      if (row === undefined || !SETTLED.includes(row.state)) return;
      const collectable = COLLECTABLE.includes(row.state);
      this.#put({ ...row, checkAt: 0, evidence: collectable ? row.evidence : undefined });
    });
  }

  countOwed(upTo: number): Promise<number> {
    return this.#calls.run(async () => Math.min(upTo, owedRows(this.#rows.values()).length));
  }

  countOwedBy(payer: string, upTo: number): Promise<number> {
    return this.#calls.run(async () => Math.min(upTo, debtsOf([...this.#rows.values()], payer)));
  }

  sumOwed(asset: OwedAsset, payer: string | undefined): Promise<bigint> {
    return this.#calls.run(async () => owedSum([...this.#rows.values()], asset, payer));
  }

  countOpen(): Promise<readonly OpenCount[]> {
    return this.#calls.run(async () => openCounts([...this.#rows.values()]));
  }

  prune(changedBefore: number, expiredBefore: number, limit: number): Promise<number> {
    return this.#calls.run(async () => {
      const old = [...this.#rows.values()]
        .filter(
          ({ state, changedAt, expiresAt }) =>
            PRUNABLE.includes(state) && changedAt < changedBefore && expiresAt < expiredBefore,
        )
        .slice(0, limit);
      for (const row of old) {
        this.#forgottenUntil = Math.max(this.#forgottenUntil, row.expiresAt);
        this.#forget(row);
      }
      for (const [owner, beatAt] of this.#beats) {
        if (beatAt <= changedBefore - OWNER_GONE_MS) this.#beats.delete(owner);
      }
      return old.length;
    });
  }

  forgetUnmoved(state: ClaimableState, changedBefore: number, limit: number): Promise<number> {
    return this.#calls.run(async () => {
      const old = [...this.#rows.values()]
        .filter((row) => row.state === state && row.changedAt < changedBefore)
        .slice(0, limit);
      for (const row of old) this.#forget(row);
      return old.length;
    });
  }

  list(
    filter: BookFilter,
    after: BookPlace | undefined,
    limit: number,
    order: ReadingOrder = 'oldest first',
  ): Promise<readonly PaymentRecord[]> {
    return this.#calls.run(async () => orderedRows(this.#rows.values(), filter, after, order).slice(0, limit));
  }

  async page(filter: BookFilter, after: BookPlace | undefined, limit: number, order?: ReadingOrder): Promise<BookPage> {
    const records = await this.list(filter, after, limit, order);
    const last = records.at(-1);
    const isFull = last !== undefined && records.length === limit;
    return { records, unreadable: [], last: isFull ? { claimedAt: last.claimedAt, key: last.key } : undefined };
  }

  skip(
    after: BookPlace | undefined,
    rows: number,
    order: ReadingOrder = 'oldest first',
  ): Promise<BookPlace | undefined> {
    return this.#calls.run(async () => {
      const row = orderedRows(this.#rows.values(), {}, after, order)[rows - 1];
      return row && { claimedAt: row.claimedAt, key: row.key };
    });
  }

  resolve(key: PaymentKey, resolution: Resolution): Promise<PaymentRecord | undefined> {
    return this.#calls.run(async () => {
      const row = this.#rows.get(key);
      return row === undefined || !RESOLVABLE.includes(row.state) ? undefined : this.#put({ ...row, resolution });
    });
  }

  summarize(filter: BookFilter): Promise<readonly BookTotal[]> {
    return this.#calls.run(async () => totalsOf(matchingRows(this.#rows.values(), filter)));
  }

  summarizeModels(filter: BookFilter): Promise<readonly ModelTotal[]> {
    const metered: BookFilter = { ...filter, metered: true };
    return this.#calls.run(async () => modelTotalsOf(matchingRows(this.#rows.values(), metered)));
  }

  keep(key: PaymentKey, answer: KeptAnswer): Promise<void> {
    return this.#calls.run(async () => this.#answers.keep(key, answer, this.#clock()));
  }

  recall(key: PaymentKey): Promise<KeptAnswer | undefined> {
    return this.#calls.run(async () => this.#answers.recall(key));
  }

  countKept(): Promise<number> {
    return this.#calls.run(async () => this.#answers.bytes);
  }

  forgetAnswers(keptBefore: number, limit: number): Promise<number> {
    return this.#calls.run(async () => this.#answers.forget(keptBefore, limit, (key) => this.#isOver(key, keptBefore)));
  }

  rememberQuotes(quotes: readonly Omit<Quote, 'seenAt'>[], now: number): Promise<void> {
    return this.#calls.run(async () => this.#quotes.remember(quotes, now));
  }

  recallQuotes(since: number): Promise<readonly Quote[]> {
    return this.#calls.run(async () => this.#quotes.recall(since));
  }

  close(): Promise<void> {
    return this.#calls.close(async () => undefined);
  }

  #put(row: PaymentRecord): PaymentRecord {
    const record = Object.freeze(row);
    this.#rows.set(record.key, record);
    return record;
  }

  #forget({ key, identifier }: PaymentRecord): void {
    this.#rows.delete(key);
    this.#answers.delete(key);
    if (identifier !== undefined && this.#identified.get(identifier) === key) this.#identified.delete(identifier);
  }

  /** Whether a payment is not open, and its money moved before `settledBefore` or not at all. */
  #isOver(key: PaymentKey, settledBefore: number): boolean {
    const row = this.#rows.get(key);
    return row === undefined || (!OPEN.includes(row.state) && (row.settledAt ?? 0) < settledBefore);
  }

  /** Another live payment with the claim's identifier. */
  #namesakeOf({ key, identifier }: PaymentClaim): PaymentRecord | undefined {
    const other = identifier === undefined ? undefined : this.#identified.get(identifier);
    const row = other === undefined || other === key ? undefined : this.#rows.get(other);
    return row === undefined || row.identifier !== identifier || isClaimable(row.state) ? undefined : row;
  }

  #take(
    isWanted: (row: PaymentRecord) => boolean,
    taken: Pick<PaymentRecord, 'owner' | 'checkAt'>,
    limit: number,
  ): Promise<readonly PaymentRecord[]> {
    return this.#calls.run(async () =>
      [...this.#rows.values()]
        .filter(isWanted)
        .sort((a, b) => a.checkAt - b.checkAt)
        .slice(0, limit)
        .map((row) => this.#put({ ...row, ...taken, epoch: row.epoch + 1, checks: row.checks + 1 })),
    );
  }
}
