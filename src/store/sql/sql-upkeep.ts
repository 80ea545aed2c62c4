import { parseAmount } from '../../domain/amount.ts';
import type { PaymentKey } from '../../domain/payment.ts';
import type { PaymentRecord, Resolution } from '../../domain/payment-record.ts';
import { type ClaimableState, RESOLVABLE } from '../../domain/payment-state.ts';
import type { OpenCalls } from '../open-calls.ts';
import type { OpenCount, OwedAsset, Upkeep } from '../upkeep.ts';
import { resolveStatement } from './payment-statements.ts';
import { damaged, readCount, readRecord, readState, readText, readWhole } from './row.ts';
import type { SqlEngine, Statement } from './sql-engine.ts';
import { readSound } from './try-read.ts';
import {
  beatStatement,
  confirmStatement,
  countOpenStatement,
  countOwedByStatement,
  countOwedStatement,
  forgetOwnersStatement,
  forgetUnmovedStatement,
  livingOwnersStatement,
  markPaymentsStatement,
  owedAmountsStatement,
  pruneStatement,
  retireStatement,
  type Taking,
  takeAwaitingStatement,
  takeDefaultedStatement,
  takeOpenStatement,
  takeOwedStatement,
  takeSettledStatement,
} from './upkeep-statements.ts';

/** Upkeep in SQL: one implementation for every engine. No change of a payment depends on an earlier read. */
export class SqlUpkeep implements Upkeep {
  readonly #engine: SqlEngine;
  readonly #calls: OpenCalls;

  /** @param calls the ledger's open calls, with which it closes */
  constructor(engine: SqlEngine, calls: OpenCalls) {
    this.#engine = engine;
    this.#calls = calls;
  }

  beat(owner: string, now: number): Promise<void> {
    return this.#run(beatStatement(owner, now));
  }

  retire(owner: string): Promise<void> {
    return this.#run(retireStatement(owner));
  }

  livingOwners(living: number): Promise<ReadonlySet<string>> {
    return this.#calls.run(async () => {
      const rows = await this.#engine.run(livingOwnersStatement(living));
      return new Set(rows.map((row) => readText(row, 'owner')));
    });
  }

  takeOpen(
    ...[owner, now, holdMs, limit, living = now, lost]: Parameters<Upkeep['takeOpen']>
  ): Promise<readonly PaymentRecord[]> {
    const taking = { owner, now, holdMs, limit };
    return this.#takeFirst(takeOpenStatement({ ...taking, living, lost }, this.#engine.dialect), taking);
  }

  takeDue(owner: string, now: number, holdMs: number, limit: number): Promise<readonly PaymentRecord[]> {
    const taking = { owner, now, holdMs, limit };
    return this.#takeFirst(takeAwaitingStatement(taking, this.#engine.dialect), taking);
  }

  takeOwed(owner: string, now: number, holdMs: number, limit: number): Promise<readonly PaymentRecord[]> {
    return this.#calls.run(async () => {
      const { dialect } = this.#engine;
      return readSound(await this.#engine.run(takeOwedStatement({ owner, now, holdMs, limit }, dialect)), readRecord);
    });
  }

  confirm(key: PaymentKey): Promise<void> {
    return this.#run(confirmStatement(key));
  }

  resolve(key: PaymentKey, resolution: Resolution): Promise<PaymentRecord | undefined> {
    return this.#calls.run(async () => {
      const [row] = await this.#engine.run(resolveStatement(key, resolution, RESOLVABLE));
      return row && readRecord(row);
    });
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
    return this.#calls.run(async () => {
      const { dialect } = this.#engine;
      return (await this.#engine.run(forgetUnmovedStatement(state, changedBefore, limit, dialect))).length;
    });
  }

  /** Two acts: the mark is written before rows are deleted. No row that expires after the mark is deleted. */
  async #prune(changedBefore: number, expiredBefore: number, limit: number): Promise<number> {
    const { dialect } = this.#engine;
    const [marked] = await this.#engine.run(markPaymentsStatement(changedBefore, expiredBefore, limit));
    if (marked === undefined) return 0;
    const before = Math.min(expiredBefore, readWhole(marked, 'until_at') + 1);
    return (await this.#engine.run(pruneStatement(changedBefore, before, limit, dialect))).length;
  }

  /**
   * Takes what `first` takes; what is less urgent only if that is nothing: rows that were taken must reach the caller,
   * even if a later statement fails. A damaged row does not block the others: it stays in `countOpen`, with its age.
   */
  #takeFirst(first: Statement, taking: Taking): Promise<readonly PaymentRecord[]> {
    return this.#calls.run(async () => {
      const { dialect } = this.#engine;
      const open = await this.#engine.run(first);
      if (open.length > 0) return readSound(open, readRecord);
      const debts = await this.#engine.run(takeDefaultedStatement(taking, dialect));
      if (debts.length > 0) return readSound(debts, readRecord);
      return readSound(await this.#engine.run(takeSettledStatement(taking, dialect)), readRecord);
    });
  }

  #run(statement: Statement): Promise<void> {
    return this.#calls.run(async () => {
      await this.#engine.run(statement);
    });
  }

  #count(statement: Statement): Promise<number> {
    return this.#calls.run(async () => readCount(await this.#engine.run(statement)));
  }
}
