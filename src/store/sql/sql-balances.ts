import { atomicUnits } from '../../domain/balance.ts';
import type { Pass, PassId } from '../../domain/pass.ts';
import {
  type Balances,
  type BookedDraw,
  checkDraw,
  checkHold,
  type Draw,
  type DrawBooks,
  type DrawFilter,
  type DrawPage,
  type DrawPlace,
  type DrawRecord,
  type Hold,
  type HoldId,
  type HoldOutcome,
} from '../balances.ts';
import type { ModelTotal } from '../books.ts';
import type { OpenCalls } from '../open-calls.ts';
import { addUp, type ModelGroup } from '../totals.ts';
import {
  drawStatements,
  holdStatements,
  holdsLeftStatement,
  holdsOfStatement,
  listDrawsStatement,
  pruneDrawsStatement,
} from './balance-statements.ts';
import { drawTotalsStatement, pageDrawsStatement } from './draw-book-statements.ts';
import { readCurrency, readPass } from './pass-row.ts';
import { findPassStatement } from './pass-statements.ts';
import { damaged, readJson, readOptional, readText, readWhole } from './row.ts';
import { readModel } from './row-group.ts';
import type { SqlEngine, SqlRow } from './sql-engine.ts';
import { isMoment, lastPlace, readApart } from './try-read.ts';

/** Balances in SQL: one implementation for every engine. No change depends on an earlier read. */
export class SqlBalances implements Balances, DrawBooks {
  readonly #engine: SqlEngine;
  readonly #calls: OpenCalls;

  /** @param calls the ledger's open calls, with which it closes */
  constructor(engine: SqlEngine, calls: OpenCalls) {
    this.#engine = engine;
    this.#calls = calls;
  }

  hold(hold: Hold, now: number): Promise<HoldOutcome> {
    return this.#calls.run(async () => {
      checkHold(hold);
      const [[taken] = []] = await this.#engine.runTogether(holdStatements(hold, now));
      if (taken !== undefined) return { kind: 'held', pass: readPass(taken) };
      const [row] = await this.#engine.run(findPassStatement(hold.pass));
      const pass = row === undefined ? undefined : readPass(row);
      if (pass?.balance === undefined) return { kind: 'gone', why: 'unknown' };
      return pass.revokedAt === undefined ? { kind: 'too_low', pass } : { kind: 'gone', why: 'revoked' };
    });
  }

  draw(id: HoldId, draw: Draw, now: number): Promise<Pass | undefined> {
    return this.#calls.run(async () => {
      checkDraw(draw);
      const [, [row] = []] = await this.#engine.runTogether(drawStatements(id, draw, now));
      return row === undefined ? undefined : readPass(row);
    });
  }

  holdsLeft(now: number, limit: number): Promise<readonly HoldId[]> {
    return this.#calls.run(async () => (await this.#engine.run(holdsLeftStatement(now, limit))).map(readHoldId));
  }

  holdsOf(owner: string, limit: number): Promise<readonly HoldId[]> {
    return this.#calls.run(async () => (await this.#engine.run(holdsOfStatement(owner, limit))).map(readHoldId));
  }

  listDraws(pass: PassId, limit: number): Promise<readonly DrawRecord[]> {
    return this.#calls.run(async () => (await this.#engine.run(listDrawsStatement(pass, limit))).map(readDraw));
  }

  pageDraws(filter: DrawFilter, after: DrawPlace | undefined, limit: number): Promise<DrawPage> {
    return this.#calls.run(async () => {
      const rows = await this.#engine.run(pageDrawsStatement(filter, after, limit));
      const { sound, unsound } = readApart(rows, readBooked);
      const unreadable = unsound.map(({ row, fault: { column } }) => ({ key: String(row.get('id') ?? ''), column }));
      return { draws: sound, unreadable, last: lastPlace(rows, limit, placeOf, 'ended_at') };
    });
  }

  summarizeDraws(filter: DrawFilter): Promise<readonly ModelTotal[]> {
    return this.#calls.run(async () => {
      return addUp((await this.#engine.run(drawTotalsStatement(filter, this.#engine.dialect))).map(readGroup));
    });
  }

  pruneDraws(before: number, limit: number): Promise<number> {
    return this.#calls.run(async () => {
      return (await this.#engine.run(pruneDrawsStatement(before, limit, this.#engine.dialect))).length;
    });
  }
}

function readHoldId(row: SqlRow): HoldId {
  // Written by us: the brand needs no second check.
  return readText(row, 'id') as HoldId;
}

function readDraw(row: SqlRow): DrawRecord {
  return {
    id: readHoldId(row),
    pass: readText(row, 'pass') as PassId,
    route: readText(row, 'route'),
    requestId: readText(row, 'request_id'),
    charge: readWhole(row, 'charge'),
    usage: readOptional(row, 'usage'),
    heldAt: readWhole(row, 'held_at'),
    endedAt: readWhole(row, 'ended_at'),
  };
}

/** Also reads columns that only reports use. */
function readBooked(row: SqlRow): BookedDraw {
  const draw = readDraw(row);
  if (draw.usage !== undefined) readJson(row, 'usage');
  if (!isMoment(draw.endedAt)) damaged('ended_at');
  return { ...draw, payer: readText(row, 'payer'), currency: readCurrency(row) };
}

function placeOf(row: SqlRow): DrawPlace | undefined {
  const endedAt = row.get('ended_at');
  return Number.isSafeInteger(endedAt) ? { endedAt: Number(endedAt), id: readHoldId(row) } : undefined;
}

function readGroup(row: SqlRow): ModelGroup {
  const currency = readCurrency(row);
  return {
    day: readWhole(row, 'day'),
    route: readText(row, 'route'),
    network: currency.network,
    asset: currency.asset,
    model: readModel(row),
    amount: atomicUnits(readWhole(row, 'charge'), currency),
    settled: readWhole(row, 'every'),
    open: 0,
  };
}
