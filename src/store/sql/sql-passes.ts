import type { Pass, PassHolder, PassId, PassScope } from '../../domain/pass.ts';
import type { Balances, DrawBooks } from '../balances.ts';
import { newPassId } from '../new-pass-id.ts';
import type { OpenCalls } from '../open-calls.ts';
import {
  checkSale,
  type LeaseOutcome,
  type LeaseRequest,
  overdrawn,
  type PassPage,
  type PassPlace,
  type PassSale,
  type PassStore,
  type PassView,
  type TokenKey,
} from '../passes.ts';
import { readPass, readPassId, readPassPage, readSoundPasses } from './pass-row.ts';
import {
  findPassesStatement,
  findPassStatement,
  forgetNoncesStatement,
  grantStatements,
  leaseStatement,
  listPassesStatement,
  markNoncesStatement,
  newTokenKeyStatement,
  prunePassesStatement,
  revokedStatement,
  revokeStatement,
  spendNonceStatement,
  tokenKeyStatement,
} from './pass-statements.ts';
import { damaged, readText, readWhole } from './row.ts';
import { SqlBalances } from './sql-balances.ts';
import type { SqlEngine } from './sql-engine.ts';
import { readSound } from './try-read.ts';

/** Passes in SQL: one implementation for every engine. No change depends on an earlier read. */
export class SqlPasses implements PassStore {
  readonly #engine: SqlEngine;
  readonly #calls: OpenCalls;
  readonly balances: Balances & DrawBooks;

  /** @param calls the ledger's open calls, with which it closes */
  constructor(engine: SqlEngine, calls: OpenCalls) {
    this.#engine = engine;
    this.#calls = calls;
    this.balances = new SqlBalances(engine, calls);
  }

  grant(sale: PassSale, now: number): Promise<Pass> {
    return this.#calls.run(async () => {
      checkSale(sale);
      const results = await this.#engine.runTogether(grantStatements(sale, newPassId(), now));
      const row = results.at(-1)?.[0];
      return row === undefined ? damaged('pass') : readPass(row);
    });
  }

  findPass(id: PassId): Promise<Pass | undefined> {
    return this.#calls.run(() => this.#find(id));
  }

  findPasses(scope: PassScope, holder: PassHolder, now: number): Promise<readonly Pass[]> {
    return this.#calls.run(async () =>
      readSoundPasses(await this.#engine.run(findPassesStatement(scope, holder, now))),
    );
  }

  listPasses(after: PassPlace | undefined, limit: number, view: PassView = {}): Promise<PassPage> {
    return this.#calls.run(async () =>
      readPassPage(await this.#engine.run(listPassesStatement(after, limit, view)), limit),
    );
  }

  lease(id: PassId, request: LeaseRequest, now: number): Promise<LeaseOutcome> {
    return this.#calls.run(async () => {
      const [row] = await this.#engine.run(leaseStatement(id, request, now));
      if (row === undefined) {
        if ((await this.#find(id)) !== undefined) return overdrawn(request);
        return { kind: 'gone', why: 'unknown' };
      }
      const { revokedAt, expiresAt, quota } = readPass(row);
      if (revokedAt !== undefined) return { kind: 'gone', why: 'revoked' };
      if (expiresAt !== undefined && expiresAt <= now) return { kind: 'gone', why: 'expired' };
      const { available: left = 0, lent = 0 } = quota ?? {};
      return { kind: 'leased', granted: readWhole(row, 'lending'), left, lent, expiresAt };
    });
  }

  revokePass(id: PassId, now: number): Promise<Pass | undefined> {
    return this.#calls.run(async () => {
      await this.#engine.run(revokeStatement(id, now));
      return this.#find(id);
    });
  }

  revokedSince(since: number): Promise<readonly PassId[]> {
    return this.#calls.run(async () => readSound(await this.#engine.run(revokedStatement(since)), readPassId));
  }

  spendNonce(nonce: string, until: number): Promise<boolean> {
    return this.#calls.run(async () => (await this.#engine.run(spendNonceStatement(nonce, until))).length > 0);
  }

  tokenKey(create: () => TokenKey): Promise<TokenKey> {
    return this.#calls.run(async () => {
      const kept = await this.#readKey();
      if (kept !== undefined) return kept;
      await this.#engine.run(newTokenKeyStatement(create()));
      // Not the key that was created here: another process may have been first.
      return (await this.#readKey()) ?? damaged('token key');
    });
  }

  prunePasses(before: number, now: number, limit: number): Promise<number> {
    return this.#calls.run(async () => {
      const { dialect } = this.#engine;
      const [marked] = await this.#engine.run(markNoncesStatement(now, limit));
      if (marked !== undefined) {
        await this.#engine.run(forgetNoncesStatement(readWhole(marked, 'until_at'), limit, dialect));
      }
      return (await this.#engine.run(prunePassesStatement(before, limit, dialect))).length;
    });
  }

  async #find(id: PassId): Promise<Pass | undefined> {
    const [row] = await this.#engine.run(findPassStatement(id));
    return row === undefined ? undefined : readPass(row);
  }

  async #readKey(): Promise<TokenKey | undefined> {
    const [row] = await this.#engine.run(tokenKeyStatement());
    return row === undefined ? undefined : { id: readText(row, 'id'), secret: readText(row, 'secret') };
  }
}
