import type { OpenCalls } from '../open-calls.ts';
import type { Uses, UsesTaken, UseWindow } from '../uses.ts';
import { readWhole } from './row.ts';
import type { SqlEngine } from './sql-engine.ts';
import { pruneUsesStatement, returnUseStatement, takeUsesStatement } from './use-statements.ts';

/** Uses in SQL: one implementation for every engine, each call one statement. */
export class SqlUses implements Uses {
  readonly #engine: SqlEngine;
  readonly #calls: OpenCalls;

  /** @param calls the ledger's open calls, with which it closes */
  constructor(engine: SqlEngine, calls: OpenCalls) {
    this.#engine = engine;
    this.#calls = calls;
  }

  takeUses(window: UseWindow, most: number, want: number): Promise<UsesTaken> {
    return this.#calls.run(async () => {
      const [row] = await this.#engine.run(takeUsesStatement(window, most, want));
      if (row === undefined) return { granted: 0, left: 0 };
      return { granted: readWhole(row, 'granted'), left: most - readWhole(row, 'used') };
    });
  }

  returnUse(window: UseWindow): Promise<void> {
    return this.#calls.run(async () => {
      await this.#engine.run(returnUseStatement(window));
    });
  }

  pruneUses(before: number, limit: number): Promise<number> {
    return this.#calls.run(async () => {
      return (await this.#engine.run(pruneUsesStatement(before, limit, this.#engine.dialect))).length;
    });
  }
}
