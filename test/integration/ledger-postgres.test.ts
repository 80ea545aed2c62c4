import { once } from 'node:events';
import { connect as connectTo, createServer, type Socket } from 'node:net';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import {
  openPostgresLedger,
  openPostgresReader,
  type PostgresLedgerOptions,
} from '../../src/store/postgres/postgres-ledger.ts';
import { countOpenStatement } from '../../src/store/sql/upkeep-statements.ts';
import { ledgerContract } from '../contract/ledger.contract.ts';
import { type LedgerProcess, startLedgerProcess } from '../contract/ledger-processes.ts';
import { NOW, paymentClaim, SETTLEMENT } from '../contract/ledger-scene.ts';
import { sale } from '../contract/pass-sale.ts';
import { openPatiently } from '../support/ledgers/patient-ledger.ts';
import { openPostgres, postgresMissing, serverMissing, startPostgres, type TestPostgres } from '../support/postgres.ts';

const UNAVAILABLE = { name: 'GatewayError', code: 'store_unavailable' };
const REFUSED = { name: 'StoreOpenError' };

const missing = await postgresMissing();
const serverIsMissing = await serverMissing();
const without = (reason: string | undefined): string => (reason === undefined ? '' : ` (skipped: ${reason})`);

async function query(url: string, text: string, before = ''): Promise<readonly unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(before);
  const { rows } = await client.query(text);
  await client.end();
  return rows;
}

describe.skipIf(missing !== undefined)(`a PostgreSQL ledger${without(missing)}`, () => {
  let server: TestPostgres;
  beforeAll(async () => {
    server = await openPostgres();
  });
  afterAll(() => server?.dispose());

  describe('the contract', () => {
    let url: string;
    let admin: Client;
    beforeAll(async () => {
      url = await server.createDatabase();
      await (await openPatiently(url)).close();
      admin = new Client({ connectionString: url });
      await admin.connect();
    });
    afterAll(() => admin?.end());

    ledgerContract('PostgreSQL', {
      open: async (clock) => {
        // Deleting a handful of rows is quick; truncating makes new files.
        await admin.query(
          `DELETE FROM turnpike_payments; DELETE FROM turnpike_owners; DELETE FROM turnpike_quotes;
          DELETE FROM turnpike_passes; DELETE FROM turnpike_pass_payments; DELETE FROM turnpike_nonces;
          DELETE FROM turnpike_token_keys; DELETE FROM turnpike_events; DELETE FROM turnpike_forgotten;
          DELETE FROM turnpike_uses`,
        );
        return openPatiently(url, { clock });
      },
      again: (clock) => openPatiently(url, { clock }),
    });
  });

  describe('a database', () => {
    let url: string;
    const opened: PaymentStore[] = [];
    const processes: LedgerProcess[] = [];
    beforeEach(async () => {
      url = await server.createDatabase();
    });
    afterEach(async () => {
      for (const ledger of opened.splice(0)) await ledger.close();
      for (const each of processes.splice(0)) await each.kill();
    });

    async function open(parameters = '', options: PostgresLedgerOptions = {}): Promise<PaymentStore> {
      const ledger = await openPatiently(url + parameters, { clock: () => NOW, ...options });
      opened.push(ledger);
      return ledger;
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

    it('can be opened for the first time by many replicas at once', async () => {
      const ledgers = await Promise.all(Array.from({ length: 8 }, () => open()));
      const outcomes = await Promise.all(ledgers.map((ledger) => ledger.claim(paymentClaim())));
      expect(outcomes.filter(({ kind }) => kind === 'claimed')).toHaveLength(1);
    });

    it('lets one of fifty simultaneous claims from three processes have each payment', async () => {
      const ledger = await open();
      for (const each of await Promise.all([1, 2].map(() => startLedgerProcess('postgres', url)))) processes.push(each);
      for (let round = 0; round < 5; round += 1) {
        const claims = Array.from({ length: 17 }, (_, index) =>
          paymentClaim({ name: `round-${round}`, requestId: `request-${index}` }),
        );
        const outcomes = await Promise.all([
          ...processes.map((each) => each.claim(claims)),
          Promise.all(claims.map((claim) => ledger.claim(claim))),
        ]);
        expect(outcomes.flat().filter(({ kind }) => kind === 'claimed')).toHaveLength(1);
      }
    });

    it('serves all requests of a pass over three processes, and no more', async () => {
      const ledger = await open();
      for (const each of await Promise.all([1, 2, 3].map(() => startLedgerProcess('postgres', url))))
        processes.push(each);
      const { id } = await ledger.passes.grant(sale({ requests: 300 }), Date.now());
      const served = await Promise.all(processes.map((each) => each.call(id, 130)));
      expect(served.reduce((sum, each) => sum + each)).toBe(300);
    });

    it('finds open payments by the index that an older version made, which is left as it is', async () => {
      await open();
      await query(
        url,
        `DROP INDEX turnpike_payments_open;
        CREATE INDEX turnpike_payments_open ON turnpike_payments (state, check_at) WHERE state IN
          ('forwarding', 'owed', 'settling', 'unknown', 'delivering', 'redelivering', 'uncharged')`,
      );
      const plan = await query(url, `EXPLAIN ${countOpenStatement().text}`, 'SET enable_seqscan = off');
      expect(JSON.stringify(plan)).toContain('turnpike_payments_open');
    });

    it('is refused when a newer version wrote it', async () => {
      await (await open()).close();
      await query(url, 'INSERT INTO turnpike_schema_version (version) VALUES (1000)');
      await expect(open()).rejects.toMatchObject({ ...REFUSED, message: expect.stringContaining('newer version') });
    });

    it('is migrated while a backup reads it, which does not keep replicas of the version before from writing', async () => {
      const old = await open();
      await query(
        url,
        `ALTER TABLE turnpike_payments DROP COLUMN protocol; ALTER TABLE turnpike_events DROP COLUMN protocol;
        DROP INDEX turnpike_payments_metered; DELETE FROM turnpike_schema_version WHERE version > 14`,
      );
      const backup = new Client({ connectionString: url });
      await backup.connect();
      // As pg_dump does.
      await backup.query('BEGIN; LOCK TABLE turnpike_payments IN ACCESS SHARE MODE');
      const migrated = open();
      await expect
        .poll(() => query(url, "SELECT 1 FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND NOT granted"))
        .not.toEqual([]);
      for (let count = 0; count < 3; count += 1) {
        expect(await old.countOwed(1)).toBe(0);
        await query(url, "INSERT INTO turnpike_owners (owner, beat_at) VALUES ('a', 1) ON CONFLICT DO NOTHING");
      }
      await backup.end();
      expect((await (await migrated).claim(paymentClaim())).kind).toBe('claimed');
    });

    it.each([
      ['CREATE TABLE turnpike_payments (id BIGINT)', 'turnpike_payments'],
      ['CREATE TABLE turnpike_events (id BIGINT)', 'turnpike_events'],
      ['CREATE TABLE turnpike_schema_version (tag TEXT)', 'turnpike_schema_version'],
      ['CREATE TABLE turnpike_schema_version AS SELECT 3 AS version', 'turnpike_schema_version'],
      ["CREATE TABLE turnpike_schema_version AS SELECT 'v3'::text AS version", 'turnpike_schema_version'],
    ])('is refused, and left as it is, with a table of another program: %s', async (sql, table) => {
      await query(url, sql);
      const refusal = { name: 'ForeignStoreError', message: expect.stringContaining(`table: ${table}`) };
      await expect(open()).rejects.toMatchObject(refusal);
      const count = "SELECT COUNT(*)::int AS count FROM pg_tables WHERE tablename LIKE 'turnpike%'";
      expect(await query(url, count)).toEqual([{ count: 1 }]);
    });

    it('is not hidden by an empty one in a schema that was made later and comes first in the search path', async () => {
      await (await open()).close();
      await query(
        url,
        'DELETE FROM turnpike_schema_version WHERE version > 3; CREATE SCHEMA AUTHORIZATION CURRENT_USER',
      );
      await expect(open()).rejects.toMatchObject({ ...REFUSED, message: expect.stringContaining('search_path') });
      const tables = "SELECT DISTINCT schemaname FROM pg_tables WHERE tablename LIKE 'turnpike%'";
      expect(await query(url, tables)).toEqual([{ schemaname: 'public' }]);
    });

    describe('and a role that owns no tables', () => {
      let role: string;
      let limited: string;
      beforeEach(async () => {
        await (await open()).close();
        role = `turnpike_${new URL(url).pathname.slice(-8)}`;
        await query(
          url,
          `CREATE ROLE ${role} LOGIN PASSWORD 'pw'; REVOKE CREATE ON SCHEMA public FROM PUBLIC;
          GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${role}`,
        );
        const place = new URL(url);
        place.username = role;
        place.password = 'pw';
        limited = place.href;
      });
      afterEach(() => query(url, `DROP OWNED BY ${role}; DROP ROLE ${role}`));

      it('can be used by it, once the tables are there', async () => {
        const ledger = await openPatiently(limited);
        opened.push(ledger);
        expect((await ledger.claim(paymentClaim())).kind).toBe('claimed');
        await ledger.close();
      });

      it('is refused without rights to a table, such as one of a new version: money would move first', async () => {
        await query(url, `REVOKE INSERT, UPDATE ON turnpike_events, turnpike_answers FROM ${role}`);
        await expect(openPatiently(limited)).rejects.toMatchObject({
          ...REFUSED,
          message: `the user has no right to some tables of the ledger
  missing: INSERT, UPDATE on turnpike_answers; INSERT, UPDATE on turnpike_events
run as their owner: GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${role}`,
        });
        const reader = await openPostgresReader(limited);
        expect(await reader.list({}, undefined, 1)).toEqual([]);
        await reader.close();
      });

      it('is used by it beside a copy of a table that somebody else made', async () => {
        await query(url, 'CREATE TABLE turnpike_payments_copy AS SELECT * FROM turnpike_payments');
        await query(url, 'ALTER TABLE turnpike_payments_copy ENABLE ROW LEVEL SECURITY');
        await (await openPatiently(limited)).close();
        await (await openPostgresReader(limited)).close();
        await query(url, 'DROP TABLE turnpike_payments_copy');
      });

      it('is refused, for reading too, where row-level security would make it look empty', async () => {
        await query(url, 'ALTER TABLE turnpike_payments ENABLE ROW LEVEL SECURITY');
        const hidden = { ...REFUSED, message: expect.stringContaining('row-level security hides every row') };
        await expect(openPatiently(limited)).rejects.toMatchObject(hidden);
        await expect(openPostgresReader(limited)).rejects.toMatchObject(hidden);
        await query(url, 'CREATE POLICY of_others ON turnpike_payments TO CURRENT_USER USING (true)');
        await expect(openPatiently(limited)).rejects.toMatchObject(hidden);
        await query(url, `CREATE POLICY all_rows ON turnpike_payments TO ${role} USING (true)`);
        await (await openPostgresReader(limited)).close();
        await (await openPatiently(limited)).close();
        await query(url, 'DROP POLICY all_rows ON turnpike_payments; DROP POLICY of_others ON turnpike_payments');
      });

      it('is read where row-level security hides only what reports do not read, such as the keys of tokens', async () => {
        await query(
          url,
          `ALTER TABLE turnpike_payments DISABLE ROW LEVEL SECURITY;
          ALTER TABLE turnpike_token_keys ENABLE ROW LEVEL SECURITY; ALTER TABLE turnpike_passes ENABLE ROW LEVEL SECURITY;
          REVOKE SELECT ON turnpike_passes FROM ${role}`,
        );
        await (await openPostgresReader(limited)).close();
        await expect(openPatiently(limited)).rejects.toMatchObject(REFUSED);
      });
    });

    it('is as durable as it says when its defaults are lax', async () => {
      const name = new URL(url).pathname.slice(1);
      await query(
        url,
        `ALTER DATABASE "${name}" SET synchronous_commit = off;
        ALTER DATABASE "${name}" SET default_transaction_isolation = 'serializable'`,
      );
      const ledger = await open();
      const outcomes = await Promise.all(Array.from({ length: 50 }, () => ledger.claim(paymentClaim())));
      expect(outcomes.filter(({ kind }) => kind === 'claimed')).toHaveLength(1);
    });

    it('holds no more connections than it was told to', async () => {
      const ledger = await open('?pool=2');
      await Promise.all(Array.from({ length: 30 }, (_, index) => ledger.claim(paymentClaim({ name: `p-${index}` }))));
      const client = new Client({ connectionString: url });
      await client.connect();
      const { rows } = await client.query<{ count: number }>(
        `SELECT COUNT(*)::int AS count FROM pg_stat_activity
        WHERE application_name = 'turnpike' AND datname = current_database()`,
      );
      await client.end();
      expect(rows).toEqual([{ count: 2 }]);
    });

    it.each(['?pool=0', '?pool=many', '?pool=-1'])('refuses %s for a number of connections', async (parameters) => {
      await expect(open(parameters)).rejects.toMatchObject({ ...REFUSED, message: expect.stringContaining('pool') });
    });

    it('cancels a statement that waits too long, with no later effect, and runs the next one', async () => {
      const ledger = await open();
      const hurried = await open('', { statementTimeoutMs: 500 });
      const { record } = await ledger.claim(paymentClaim());
      const blocker = new Client({ connectionString: url });
      await blocker.connect();
      await blocker.query('BEGIN; SELECT * FROM turnpike_payments FOR UPDATE');
      await expect(hurried.transition(record.key, record.epoch, { to: 'released' })).rejects.toMatchObject(UNAVAILABLE);
      await blocker.query('ROLLBACK');
      await blocker.end();
      // On a busy machine any statement may take longer than the hurried ledger waits.
      await expect.poll(() => hurried.find(record.key).catch(() => undefined)).toEqual(record);
      expect(await ledger.find(record.key)).toEqual(record);
      expect((await ledger.transition(record.key, record.epoch, { to: 'released' })).kind).toBe('moved');
    });
  });
});

describe.skipIf(serverIsMissing !== undefined)(`a PostgreSQL outage${without(serverIsMissing)}`, () => {
  let server: TestPostgres;
  let url: string;
  let ledger: PaymentStore;
  beforeAll(async () => {
    server = await startPostgres();
    url = await server.createDatabase();
  });
  afterAll(() => server?.dispose());
  afterEach(() => ledger?.close());

  it('makes every call unavailable while it lasts, loses nothing, and needs no restart afterwards', async () => {
    ledger = await openPatiently(url, { clock: () => NOW });
    const { record } = await ledger.claim(paymentClaim());
    await server.stop();
    await expect(ledger.claim(paymentClaim({ name: 'other' }))).rejects.toMatchObject(UNAVAILABLE);
    await expect(ledger.transition(record.key, record.epoch, { to: 'settling' })).rejects.toMatchObject(UNAVAILABLE);
    await expect(ledger.find(record.key)).rejects.toMatchObject(UNAVAILABLE);
    await expect(ledger.beat('process-1', NOW)).rejects.toMatchObject(UNAVAILABLE);
    await expect(ledger.summarize({})).rejects.toMatchObject(UNAVAILABLE);
    await server.start();
    expect(await ledger.find(record.key)).toEqual(record);
    expect((await ledger.claim(paymentClaim({ name: 'other' }))).kind).toBe('claimed');
    expect((await ledger.transition(record.key, record.epoch, { to: 'settling' })).kind).toBe('moved');
  });

  it('without a closed connection is noticed too, and silent connections are not used again', async () => {
    const wire = await silenceableWire(Number(new URL(url).port));
    try {
      const through = new URL(url);
      through.port = String(wire.port);
      ledger = await openPatiently(through.href, { connectTimeoutMs: 2000, statementTimeoutMs: 1000 });
      await ledger.claim(paymentClaim({ name: 'before' }));
      wire.silence();
      // A connection that was there, and then a new one.
      await expect(ledger.claim(paymentClaim({ name: 'lost' }))).rejects.toMatchObject(UNAVAILABLE);
      await expect(ledger.find(paymentClaim({ name: 'before' }).key)).rejects.toMatchObject(UNAVAILABLE);
      wire.speak();
      expect((await ledger.claim(paymentClaim({ name: 'after' }))).kind).toBe('claimed');
    } finally {
      await ledger.close();
      wire.close();
    }
  });

  it('that ends while a ledger opens is waited out', async () => {
    const wire = await silenceableWire(Number(new URL(url).port));
    try {
      const through = new URL(url);
      through.port = String(wire.port);
      wire.silence();
      const opening = openPostgresLedger(through.href, { connectTimeoutMs: 2000, statementTimeoutMs: 30_000 });
      await wire.swallowed;
      wire.speak();
      ledger = await opening;
      expect((await ledger.claim(paymentClaim({ name: 'opened late' }))).kind).toBe('claimed');
    } finally {
      await ledger.close();
      wire.close();
    }
  });

  it('keeps a ledger from opening, and says so without the password', async () => {
    const wrong = new URL(url);
    wrong.password = 'hunter2';
    const nobody = new URL(url);
    nobody.port = '1';
    nobody.password = 'hunter2';
    for (const address of [
      wrong.href,
      nobody.href,
      'postgres://user:hunter2@:not a url',
      'mysql://u:hunter2@host/db',
    ]) {
      const fault: unknown = await openPostgresLedger(address).catch((error: unknown) => error);
      expect(fault).toMatchObject(REFUSED);
      expect(everythingOf(fault)).not.toContain('hunter2');
    }
  });

  it('does not show the password in the fault of a call', async () => {
    ledger = await openPatiently(url);
    await server.stop();
    const fault: unknown = await ledger.find(paymentClaim().key).catch((error: unknown) => error);
    await server.start();
    expect(fault).toMatchObject(UNAVAILABLE);
    expect(everythingOf(fault)).not.toContain(new URL(url).password);
  });
});

/** All that a log could show of an error. */
function everythingOf(error: unknown): string {
  if (!(error instanceof Error)) return JSON.stringify(error);
  const own = JSON.stringify(Object.fromEntries(Object.entries(error)));
  return `${error.message} ${error.stack} ${own} ${error.cause === undefined ? '' : everythingOf(error.cause)}`;
}

/** A TCP relay that can stop carrying bytes without closing anything: what a firewall does that forgot a connection. */
async function silenceableWire(port: number) {
  const sockets = new Set<Socket>();
  const swallowed = Promise.withResolvers<void>();
  let isSilent = false;
  const carry = (from: Socket, to: Socket): void => {
    sockets.add(from);
    from.on('data', (bytes) => {
      if (isSilent) swallowed.resolve();
      else to.write(bytes);
    });
    from.on('error', () => undefined);
    from.on('close', () => to.destroy());
  };
  const relay = createServer((client) => {
    const server = connectTo(port, '127.0.0.1');
    carry(client, server);
    carry(server, client);
  }).listen(0, '127.0.0.1');
  await once(relay, 'listening');
  const address = relay.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    /** Settles when bytes were not carried. */
    swallowed: swallowed.promise,
    silence: () => {
      isSilent = true;
    },
    speak: () => {
      isSilent = false;
    },
    close: () => {
      relay.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
