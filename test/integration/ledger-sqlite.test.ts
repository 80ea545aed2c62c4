import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { amountAsked } from '../../src/domain/payment-record.ts';
import { openQuota } from '../../src/pass/process-quota.ts';
import type { HoldId } from '../../src/store/balances.ts';
import { newPassId } from '../../src/store/new-pass-id.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { listStatement, modelTotalsStatement } from '../../src/store/sql/book-statements.ts';
import { pruneEventsStatement, takeDueStatement, waitingStatements } from '../../src/store/sql/outbox-statements.ts';
import {
  findPassesStatement,
  forgetNoncesStatement,
  grantStatements,
  listPassesStatement,
  prunePassesStatement,
  revokedStatement,
} from '../../src/store/sql/pass-statements.ts';
import { namesakeStatement } from '../../src/store/sql/payment-statements.ts';
import type { SqlEngine, Statement } from '../../src/store/sql/sql-engine.ts';
import { SqlLedger } from '../../src/store/sql/sql-ledger.ts';
import {
  countOpenStatement,
  countOwedByStatement,
  countOwedStatement,
  pruneStatement,
  takeAwaitingStatement,
  takeOpenStatement,
  takeOwedStatement,
  takeSettledStatement,
} from '../../src/store/sql/upkeep-statements.ts';
import { pruneUsesStatement, returnUseStatement } from '../../src/store/sql/use-statements.ts';
import { sqliteDialect } from '../../src/store/sqlite/sqlite-dialect.ts';
import { openSqliteEngine } from '../../src/store/sqlite/sqlite-engine.ts';
import { openSqliteLedger, type SqliteLedgerOptions } from '../../src/store/sqlite/sqlite-ledger.ts';
import { balanceSale } from '../contract/balances.contract.ts';
import { ledgerContract } from '../contract/ledger.contract.ts';
import { type LedgerProcess, startLedgerProcess } from '../contract/ledger-processes.ts';
import { NOW, paymentClaim, SETTLEMENT } from '../contract/ledger-scene.ts';
import { HOLDER, sale } from '../contract/pass-sale.ts';

const UNAVAILABLE = { name: 'GatewayError', code: 'store_unavailable' };
const REFUSED = { name: 'StoreOpenError' };
const FOREIGN = { name: 'ForeignStoreError' };

let folder: string;

describe('the contract', () => {
  let engine: SqlEngine;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'turnpike-ledger-'));
    engine = await openSqliteEngine({ path: join(folder, 'ledger.db'), busyTimeoutMs: 5000, maxPages: undefined });
  });
  afterAll(async () => {
    await engine.close();
    await rm(folder, { recursive: true, force: true });
  });

  ledgerContract('SQLite', {
    // One thread and one file for all tests, emptied each time: a thread takes longer to start than a test to run.
    open: async (clock) => {
      for (const table of [
        'answers',
        'payments',
        'owners',
        'quotes',
        'pass_payments',
        'passes',
        'nonces',
        'token_keys',
        'events',
        'forgotten',
        'uses',
      ]) {
        await engine.run({ kind: 'write', text: `DELETE FROM turnpike_${table}`, values: [] });
      }
      const { dialect } = engine;
      const shared: SqlEngine = {
        dialect,
        run: (statement) => engine.run(statement),
        runTogether: (statements) => engine.runTogether(statements),
        close: async () => undefined,
      };
      return new SqlLedger(shared, clock);
    },
    again: (clock) => openSqliteLedger(join(folder, 'ledger.db'), { clock }),
  });
});

describe('a SQLite ledger', () => {
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'turnpike-ledger-'));
  });
  const opened: PaymentStore[] = [];
  const processes: LedgerProcess[] = [];
  afterEach(async () => {
    for (const ledger of opened.splice(0)) await ledger.close();
    for (const each of processes.splice(0)) await each.kill();
    await rm(folder, { recursive: true, force: true });
  });

  const path = (): string => join(folder, 'ledger.db');

  async function open(options: SqliteLedgerOptions = {}): Promise<PaymentStore> {
    const ledger = await openSqliteLedger(path(), { clock: () => NOW, ...options });
    opened.push(ledger);
    return ledger;
  }

  async function start(): Promise<LedgerProcess> {
    const process = await startLedgerProcess('sqlite', path());
    processes.push(process);
    return process;
  }

  it('has after a restart what it had before', async () => {
    const first = await open();
    const { record } = await first.claim(paymentClaim({ state: 'settling', identifier: 'order-7' }));
    const moved = await first.transition(record.key, record.epoch, { to: 'undelivered', settlement: SETTLEMENT });
    await first.close();
    const second = await open();
    expect(await second.find(record.key)).toEqual(moved.record);
    expect(await second.claim(paymentClaim())).toEqual({ kind: 'held', record: moved.record });
  });

  it('keeps every confirmed claim of a process that is killed in mid-work', async () => {
    const process = await start();
    const claims = Array.from({ length: 40 }, (_, index) => paymentClaim({ name: `payment-${index}` }));
    const outcomes = await process.claim(claims);
    await process.kill();
    expect(outcomes.map(({ kind }) => kind)).toEqual(claims.map(() => 'claimed'));
    const ledger = await open();
    for (const { record } of outcomes) expect(await ledger.find(record.key)).toEqual(record);
  });

  it('has after a restart the passes that it had before, and knows which payments bought them', async () => {
    const first = await open();
    const pass = await first.passes.grant(sale(), NOW);
    await first.passes.lease(pass.id, { want: 7, spent: 0, returned: 0 }, NOW);
    const lent = await first.passes.findPass(pass.id);
    await first.passes.spendNonce('nonce', NOW);
    const key = await first.passes.tokenKey(() => ({ id: 'key', secret: 'secret' }));
    await first.close();
    const second = await open();
    expect(await second.passes.findPass(pass.id)).toEqual(lent);
    expect(await second.passes.grant(sale(), NOW)).toEqual(lent);
    expect(await second.passes.spendNonce('nonce', NOW)).toBe(false);
    expect(await second.passes.tokenKey(() => ({ id: 'other', secret: 'other' }))).toEqual(key);
  });

  it('serves all requests of a pass over three processes, and no more', async () => {
    const ledger = await open();
    const others = await Promise.all([start(), start()]);
    const { id } = await ledger.passes.grant(sale({ requests: 300 }), Date.now());
    const quota = openQuota(ledger.passes);
    const mine = Promise.all(Array.from({ length: 130 }, async () => quota.take(id)));
    const served = await Promise.all(others.map((other) => other.call(id, 130)));
    const taken = (await mine).filter(({ kind }) => kind === 'taken').length;
    expect(served.reduce((sum, each) => sum + each, taken)).toBe(300);
    await quota.close();
  });

  it('serves no request twice when a process is killed, and loses no more than its lease', async () => {
    const ledger = await open();
    const { id } = await ledger.passes.grant(sale({ requests: 300 }), Date.now());
    const [killed, other] = await Promise.all([start(), start()]);
    let before = 0;
    // One call after another, so that the process holds a leased block.
    for (let count = 0; count < 30; count += 1) before += await killed.call(id, 1);
    await killed.kill();
    const lost = (await ledger.passes.findPass(id))?.quota?.lent ?? 0;
    const after = await other.call(id, 300);
    expect(before).toBe(30);
    expect(after).toBeLessThanOrEqual(270);
    expect(before + after).toBeGreaterThanOrEqual(300 - lost);
    expect(lost).toBeLessThanOrEqual(64);
  });

  it('lets one of fifty simultaneous claims from three processes have each payment', async () => {
    const ledger = await open();
    const others = await Promise.all([start(), start()]);
    for (let round = 0; round < 5; round += 1) {
      const claims = Array.from({ length: 17 }, (_, index) =>
        paymentClaim({ name: `round-${round}`, requestId: `request-${index}` }),
      );
      const outcomes = await Promise.all([
        ...others.map((other) => other.claim(claims)),
        Promise.all(claims.map((claim) => ledger.claim(claim))),
      ]);
      expect(outcomes.flat().filter(({ kind }) => kind === 'claimed')).toHaveLength(1);
    }
  });

  it('finishes what it accepted before it closes', async () => {
    const ledger = await open();
    const claims = Array.from({ length: 600 }, (_, index) => ledger.claim(paymentClaim({ name: `payment-${index}` })));
    await ledger.close();
    expect(new Set((await Promise.all(claims)).map(({ kind }) => kind))).toEqual(new Set(['claimed']));
    expect(await (await open()).list({}, undefined, 1000)).toHaveLength(600);
  });

  it('can be opened for the first time by many at once', async () => {
    const ledgers = await Promise.all(Array.from({ length: 8 }, () => open()));
    const outcomes = await Promise.all(ledgers.map((ledger) => ledger.claim(paymentClaim())));
    expect(outcomes.filter(({ kind }) => kind === 'claimed')).toHaveLength(1);
  });

  it('is a file that only its owner can read, and so is all that SQLite puts beside it', async () => {
    const ledger = await open();
    await ledger.claim(paymentClaim());
    for (const suffix of ['', '-wal', '-shm']) expect((await stat(path() + suffix)).mode & 0o777, suffix).toBe(0o600);
  });

  it('says which folder is missing, and makes none', async () => {
    const missing = join(folder, 'missing', 'ledger.db');
    await expect(openSqliteLedger(missing)).rejects.toMatchObject({
      ...REFUSED,
      message: expect.stringContaining(join(folder, 'missing')),
    });
    await expect(stat(join(folder, 'missing'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it.each(['', ':memory:', 'file:ledger.db?mode=memory'])('does not take %j for a file', async (name) => {
    await expect(openSqliteLedger(name)).rejects.toMatchObject({
      ...REFUSED,
      message: expect.stringContaining('needs a file'),
    });
  });

  it('refuses a file that is something else, and leaves it as it is', async () => {
    await writeFile(path(), 'listen: 0.0.0.0:8402\n'.repeat(400));
    await expect(open()).rejects.toMatchObject({ ...FOREIGN, message: expect.stringContaining(path()) });
    expect(await readFile(path(), 'utf8')).toBe('listen: 0.0.0.0:8402\n'.repeat(400));
  });

  it('refuses a folder in the place of the file', async () => {
    await mkdir(path());
    await expect(open()).rejects.toMatchObject(FOREIGN);
  });

  it('refuses a ledger that a newer version wrote', async () => {
    await (await open()).close();
    const database = new DatabaseSync(path());
    database.exec('INSERT INTO turnpike_schema_version (version) VALUES (1000)');
    database.close();
    await expect(open()).rejects.toMatchObject({ ...REFUSED, message: expect.stringContaining('newer version') });
  });

  it('opens one of the version before, keeps its sums, and goes on with what is open at its price', async () => {
    const before = new DatabaseSync(path());
    before.exec(await readFile(new URL('../support/ledgers/schema-4.sql', import.meta.url), 'utf8'));
    before.close();
    const ledger = await open();
    const [total, ...others] = await ledger.summarize({});
    expect(others).toEqual([]);
    expect(total).toMatchObject({ settled: 2, amount: 12_500n, open: 3 });
    expect((await ledger.find(paymentClaim({ name: 'reserved' }).key))?.state).toBe('released');
    const taken = await ledger.takeOpen('process-2', NOW, 1000, 10);
    expect(taken.map(({ state, amount }) => [state, amount]).sort()).toEqual([
      ['owed', 10_000n],
      ['settling', 700n],
      ['unknown', 10_000n],
    ]);
    for (const row of taken) expect([amountAsked(row), row.usage]).toEqual([row.amount, undefined]);
    const owed = taken.find(({ state }) => state === 'owed');
    if (owed === undefined) throw new Error('the debt is not there');
    const outcome = await ledger.transition(owed.key, owed.epoch, { to: 'settling', asked: owed.amount, usage: '{}' });
    expect(outcome.record).toMatchObject({ asked: 10_000n, usage: '{}' });
  });

  it('opens one that knew no balances, keeps its passes, and sells balances from then on', async () => {
    const before = new DatabaseSync(path());
    before.exec(await readFile(new URL('../support/ledgers/schema-13.sql', import.meta.url), 'utf8'));
    before.close();
    const ledger = await open();
    const [pass, ...others] = (await ledger.passes.listPasses(undefined, 10)).passes;
    expect([others, pass?.balance]).toEqual([[], undefined]);
    expect(pass).toMatchObject({ scope: 'route:reports', quota: { bought: 100, available: 90, lent: 10 } });
    if (pass === undefined) throw new Error('the pass is not there');
    await ledger.passes.lease(pass.id, { want: 0, spent: 4, returned: 6 }, NOW);
    expect((await ledger.passes.findPass(pass.id))?.quota).toEqual({ bought: 100, available: 96, lent: 0 });
    const { id } = await ledger.passes.grant(balanceSale(1000, 'balance'), NOW);
    const hold = {
      id: 'hold-1' as HoldId,
      pass: id,
      most: 300,
      owner: 'process-1',
      route: 'chat',
      requestId: 'request',
    };
    await ledger.passes.balances.hold(hold, NOW);
    const drawn = await ledger.passes.balances.draw(hold.id, { charge: 20 }, NOW);
    expect(drawn?.quota).toEqual({ bought: 1000, available: 980, lent: 0 });
  });

  it('is unavailable while another process does not let go of the file, and works again after that', async () => {
    const ledger = await open({ busyTimeoutMs: 50 });
    const { record } = await ledger.claim(paymentClaim());
    const blocker = new DatabaseSync(path());
    blocker.exec('BEGIN IMMEDIATE');
    await expect(ledger.claim(paymentClaim({ name: 'other' }))).rejects.toMatchObject(UNAVAILABLE);
    // Reading does not wait for a writer.
    expect(await ledger.find(record.key)).toEqual(record);
    blocker.exec('ROLLBACK');
    blocker.close();
    expect((await ledger.claim(paymentClaim({ name: 'other' }))).kind).toBe('claimed');
  });

  it('is unavailable on a full disk with nothing half-written, and works again when there is room', async () => {
    const ledger = await open({ maxPages: 60 });
    const large = (name: string) => paymentClaim({ name, evidence: 'x'.repeat(8000) });
    const claimed: string[] = [];
    let fault: unknown;
    for (let index = 0; fault === undefined; index += 1) {
      await ledger.claim(large(`payment-${index}`)).then(
        ({ record }) => claimed.push(record.key),
        (error: unknown) => {
          fault = error;
        },
      );
    }
    expect(fault).toMatchObject({ ...UNAVAILABLE, cause: { message: expect.stringContaining('full') } });
    const rows = await ledger.list({}, undefined, 1000);
    expect(rows.map(({ key }) => key).sort()).toEqual(claimed.toSorted());

    const batch = await Promise.allSettled([
      ledger.claim(large('refused-1')),
      ledger.claim(large('refused-2')),
      ledger.find(rows[0]!.key),
    ]);
    expect(batch.map(({ status }) => status)).toContain('rejected');
    expect(await ledger.list({}, undefined, 1000)).toEqual(rows);

    const roomy = await open();
    for (const { key, epoch } of rows) await roomy.transition(key, epoch, { to: 'released' });
    expect(await roomy.prune(NOW + 1, NOW, 1000)).toBe(rows.length);
    expect((await ledger.claim(large('after'))).kind).toBe('claimed');
  });

  it('reports a failed statement only to its own caller', async () => {
    const ledger = await open();
    const { key } = (await ledger.claim(paymentClaim())).record;
    const answer = {
      status: 200,
      statusText: '',
      headers: [],
      body: new Uint8Array(),
      requestId: 'request',
      requestDigest: undefined,
    };
    const stranger = paymentClaim({ name: 'stranger' }).key;
    const outcomes = await Promise.allSettled([
      ledger.claim(paymentClaim({ name: 'a' })),
      // There is no such payment that an answer could be kept for.
      ledger.keep(stranger, answer),
      ledger.claim(paymentClaim({ name: 'b' })),
      ledger.keep(key, answer),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
  });

  it('rolls back a whole transaction when one of its statements fails, and none of the others beside it', async () => {
    const engine = await openSqliteEngine({ path: path(), busyTimeoutMs: 5000, maxPages: undefined });
    const spend = (nonce: string | null): Statement => ({
      kind: 'write',
      text: 'INSERT INTO turnpike_nonces (nonce, until_at) VALUES ($1, 0)',
      values: [nonce],
    });
    const outcomes = await Promise.allSettled([
      engine.runTogether([spend('a'), spend('b')]),
      engine.runTogether([spend('c'), spend(null)]),
      engine.runTogether([spend('d'), spend('d')]),
      engine.run(spend('e')),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    const all: Statement = { kind: 'read', text: 'SELECT nonce FROM turnpike_nonces ORDER BY nonce', values: [] };
    expect((await engine.run(all)).map((row) => row.get('nonce'))).toEqual(['a', 'b', 'e']);
    await engine.close();
  });

  it('gives an empty row for each row that a statement changed and does not return', async () => {
    const engine = await openSqliteEngine({ path: path(), busyTimeoutMs: 5000, maxPages: undefined });
    const spend = (nonce: string): Statement => ({
      kind: 'write',
      text: 'INSERT INTO turnpike_nonces (nonce, until_at) VALUES ($1, 0) ON CONFLICT (nonce) DO NOTHING',
      values: [nonce],
      gives: 'changes',
    });
    const outcomes = await engine.runTogether([spend('a'), spend('b'), spend('a')]);
    expect(outcomes.map((rows) => rows.length)).toEqual([1, 1, 0]);
    const forget: Statement = { kind: 'write', text: 'DELETE FROM turnpike_nonces', values: [], gives: 'changes' };
    expect((await engine.run(forget)).map((row) => row.get('nonce'))).toEqual([undefined, undefined]);
    await engine.close();
  });

  it.each([
    { made: 'now' },
    { made: 'by an older version', schema: 'schema-13.sql' },
  ])('finds open payments, old ones and pages of a ledger made $made without reading all of it', async ({ schema }) => {
    if (schema !== undefined) {
      const before = new DatabaseSync(path());
      before.exec(await readFile(new URL(`../support/ledgers/${schema}`, import.meta.url), 'utf8'));
      before.close();
    }
    await (await open()).close();
    const database = new DatabaseSync(path());
    const plan = (query: string): string =>
      database
        .prepare(`EXPLAIN QUERY PLAN ${query}`)
        .all()
        .map(({ detail }) => detail)
        .join('; ');
    const taking = { owner: 'finder', now: NOW, holdMs: 1, limit: 1 };
    const index = (name: string) => expect.stringContaining(`USING INDEX turnpike_payments_${name}`);
    expect(plan(takeOpenStatement({ ...taking, living: NOW }, sqliteDialect).text)).toEqual(index('open'));
    expect(plan(takeOwedStatement(taking, sqliteDialect).text)).toMatch(
      /SEARCH turnpike_payments USING (COVERING )?INDEX turnpike_payments_open \(state=\? AND check_at>\? AND check_at<\?\)/,
    );
    expect(plan(takeAwaitingStatement(taking, sqliteDialect).text)).toMatch(
      /SEARCH turnpike_payments USING (COVERING )?INDEX turnpike_payments_open \(state=\? AND check_at>\? AND check_at<\?\)/,
    );
    expect(plan(takeSettledStatement(taking, sqliteDialect).text)).toEqual(index('look_again'));
    expect(plan(countOwedStatement(1).text)).toMatch(/USING COVERING INDEX turnpike_payments_owed/);
    expect(plan(countOwedByStatement('payer', 1).text)).toMatch(
      /SEARCH turnpike_payments USING COVERING INDEX turnpike_payments_owed \(payer=\? /,
    );
    expect(plan(countOpenStatement().text)).toEqual(index('open'));
    expect(plan(pruneStatement(NOW, NOW, 1, sqliteDialect).text)).toEqual(index('prunable'));
    expect(plan(namesakeStatement('order-7').text)).toEqual(index('identifier'));
    expect(plan(listStatement({}, { claimedAt: NOW, key: 'key' }, 1).text)).toEqual(index('claimed'));
    expect(plan(modelTotalsStatement({ since: NOW, until: NOW }, sqliteDialect).text)).toEqual(index('metered'));
    const inDoubt = { states: ['unknown', 'owed'] } as const;
    expect(plan(listStatement(inDoubt, undefined, 1).text)).toEqual(index('open'));
    expect(plan(listStatement(inDoubt, { claimedAt: NOW, key: 'key' }, 1).text)).toEqual(index('open'));
    const events = (name: string) => expect.stringMatching(new RegExp(`INDEX turnpike_events_${name}`));
    expect(plan(takeDueStatement('hook', NOW, 1, 1, sqliteDialect).text)).toEqual(events('due'));
    expect(plan(pruneEventsStatement(NOW, NOW, 1, sqliteDialect).text)).toEqual(events('created'));
    expect(waitingStatements(['hook']).map(({ text }) => plan(text))).toEqual([events('due'), events('created')]);
    database.close();
  });

  it('finds the passes of a holder, revoked and ended ones without reading all passes', async () => {
    await (await open()).close();
    const database = new DatabaseSync(path());
    const plan = (query: string): string =>
      database
        .prepare(`EXPLAIN QUERY PLAN ${query}`)
        .all()
        .map(({ detail }) => detail)
        .join('; ');
    const page = { issuedAt: NOW, id: 'id' };
    const statements = [
      findPassesStatement('route:reports', HOLDER, NOW),
      revokedStatement(NOW),
      prunePassesStatement(NOW, 1, sqliteDialect),
      forgetNoncesStatement(NOW, 1, sqliteDialect),
      listPassesStatement(page, 1, {}),
      listPassesStatement(page, 1, { order: 'newest first' }),
      ...grantStatements(sale(), newPassId(), NOW),
      pruneUsesStatement(NOW, 1, sqliteDialect),
      returnUseStatement({ id: 'id', startsAt: NOW, endsAt: NOW }),
    ];
    for (const { text } of statements) expect(plan(text)).not.toMatch(/SCAN turnpike_/);
    database.close();
  });
});
