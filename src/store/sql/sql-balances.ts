import type { Pass, PassId } from '../../domain/pass.ts';
import {
  type Balances,
  checkDraw,
  checkHold,
  type Draw,
  type DrawRecord,
  type Hold,
  type HoldId,
  type HoldOutcome,
} from '../balances.ts';
import type { OpenCalls } from '../open-calls.ts';
import {
  drawStatements,
  holdStatements,
  holdsLeftStatement,
  holdsOfStatement,
  listDrawsStatement,
  pruneDrawsStatement,
} from './balance-statements.ts';
import { readPass } from './pass-row.ts';
import { findPassStatement } from './pass-statements.ts';
import { readOptional, readText, readWhole } from './row.ts';
import type { SqlEngine, SqlRow } from './sql-engine.ts';

/** Balances in SQL: one implementation for every engine, nothing decided on what was read before. */
export class SqlBalances implements Balances {
  readonly #engine: SqlEngine;
  readonly #calls: OpenCalls;

  /** @param calls those of the ledger that it closes with */
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
