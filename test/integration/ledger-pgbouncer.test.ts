import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { openPostgresLedger, openPostgresReader } from '../../src/store/postgres/postgres-ledger.ts';
import { ledgerContract } from '../contract/ledger.contract.ts';
import { NOW, paymentClaim } from '../contract/ledger-scene.ts';
import { openPatiently } from '../support/ledgers/patient-ledger.ts';
import { findPgBouncer, type PgBouncer, startPgBouncer } from '../support/pgbouncer.ts';
import { openPostgres, postgresMissing, type TestPostgres } from '../support/postgres.ts';

const executable = findPgBouncer();
const missing = (await postgresMissing()) ?? (executable === undefined ? 'there is no pgbouncer here' : undefined);
const reason = missing === undefined ? '' : ` (skipped: ${missing})`;

/** Everything that the ledger keeps. */
const TABLES = [
  'payments',
  'owners',
  'quotes',
  'passes',
  'pass_payments',
  'nonces',
  'token_keys',
  'events',
  'forgotten',
  'uses',
] as const;

describe.skipIf(missing !== undefined)(`a PostgreSQL ledger behind PgBouncer in transaction mode${reason}`, () => {
  let server: TestPostgres;
  let direct: string;
  let bouncer: PgBouncer;
  let admin: Client;

  beforeAll(async () => {
    server = await openPostgres();
    direct = await server.createDatabase();
    bouncer = await startPgBouncer(executable ?? '', direct);
    // The schema is made by way of it, too.
    await (await openPostgresLedger(bouncer.url)).close();
    admin = new Client({ connectionString: direct });
    await admin.connect();
  });

  afterAll(async () => {
    await admin?.end();
    await bouncer?.stop();
    await server?.dispose();
  });

  ledgerContract('PostgreSQL behind PgBouncer', {
    open: async (clock) => {
      await admin.query(TABLES.map((table) => `DELETE FROM turnpike_${table};`).join(' '));
      return openPatiently(bouncer.url, { clock });
    },
    again: (clock) => openPatiently(bouncer.url, { clock }),
  });

  it('grants each payment once, of two hundred simultaneous claims of several processes', async () => {
    await admin.query('DELETE FROM turnpike_payments');
    const ledgers: PaymentStore[] = [];
    for (let index = 0; index < 4; index += 1) ledgers.push(await openPatiently(bouncer.url, { clock: () => NOW }));
    const claims = Array.from({ length: 200 }, async (_, index) => {
      const { kind } = (await ledgers[index % 4]?.claim(paymentClaim({ name: `${index % 100}` }))) ?? {};
      return kind;
    });
    const kinds = await Promise.all(claims);
    expect(kinds.filter((kind) => kind === 'claimed')).toHaveLength(100);
    expect(kinds.filter((kind) => kind === 'held')).toHaveLength(100);
    for (const ledger of ledgers) await ledger.close();
  });

  it('leaves nothing behind on the sessions that it shares with others', async () => {
    const other = new Client({ connectionString: bouncer.url });
    await other.connect();
    const left = async (): Promise<unknown> => {
      const { rows } = await other.query(
        `SELECT current_setting('statement_timeout') AS timeout, current_setting('default_transaction_read_only') AS reading,
          (SELECT COUNT(*) FROM pg_prepared_statements) AS prepared,
          (SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory') AS locks`,
      );
      return rows[0];
    };
    const ledger = await openPatiently(bouncer.url, { clock: () => NOW });
    await Promise.all(Array.from({ length: 20 }, (_, index) => ledger.claim(paymentClaim({ name: `left-${index}` }))));
    await ledger.summarize({});
    for (let round = 0; round < 6; round += 1) {
      expect(await left()).toEqual({ timeout: '0', reading: 'off', prepared: '0', locks: '0' });
    }
    await ledger.close();
    await other.end();
  });

  it('cancels a statement that takes too long, at the server and with no later effect', async () => {
    const ledger = await openPatiently(bouncer.url, { clock: () => NOW });
    const hurried = await openPostgresLedger(bouncer.url, {
      clock: () => NOW,
      connectTimeoutMs: 30_000,
      statementTimeoutMs: 500,
    });
    const { record } = await ledger.claim(paymentClaim({ name: 'locked' }));
    await admin.query(`BEGIN; SELECT 1 FROM turnpike_payments WHERE key = '${record.key}' FOR UPDATE`);
    await expect(hurried.transition(record.key, record.epoch, { to: 'released' })).rejects.toMatchObject({
      code: 'store_unavailable',
      cause: { message: expect.stringContaining('statement timeout') },
    });
    await admin.query('ROLLBACK');
    const outcome = await ledger.transition(record.key, record.epoch, { to: 'released' });
    expect(outcome.kind).toBe('moved');
    await hurried.close();
    await ledger.close();
  });

  it('is read without a right to write', async () => {
    const reader = await openPostgresReader(bouncer.url);
    expect(Array.isArray(await reader.list({}, undefined, 5))).toBe(true);
    await reader.close();
    const stranger = await openPostgresReader(direct);
    expect(Array.isArray(await stranger.list({}, undefined, 5))).toBe(true);
    await stranger.close();
  });
});
