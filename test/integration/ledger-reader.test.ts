import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LedgerReader } from '../../src/store/ledger-reader.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { openPostgresLedger, openPostgresReader } from '../../src/store/postgres/postgres-ledger.ts';
import { openSqliteLedger, openSqliteReader } from '../../src/store/sqlite/sqlite-ledger.ts';
import { paymentClaim } from '../contract/ledger-scene.ts';
import { openPostgres, postgresMissing, type TestPostgres } from '../support/postgres.ts';

const missing = await postgresMissing();
const KEY = paymentClaim().key;

describe.each(['SQLite', 'PostgreSQL'])('a ledger that is only read (%s)', (engine) => {
  describe.skipIf(engine === 'PostgreSQL' && missing !== undefined)('while a gateway writes it, or none does', () => {
    let folder: string;
    let postgres: TestPostgres | undefined;
    let places = 0;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'turnpike-reader-'));
      if (engine === 'PostgreSQL') postgres = await openPostgres();
    });

    afterAll(async () => {
      await postgres?.dispose();
      await rm(folder, { recursive: true, force: true });
    });

    async function newPlace(): Promise<string> {
      places += 1;
      return (await postgres?.createDatabase()) ?? join(folder, `ledger-${places}.db`);
    }

    const openWriter = (place: string): Promise<PaymentStore> =>
      postgres === undefined ? openSqliteLedger(place) : openPostgresLedger(place);
    const openReader = (place: string): Promise<LedgerReader> =>
      postgres === undefined ? openSqliteReader(place) : openPostgresReader(place);

    async function query(place: string, text: string): Promise<void> {
      if (postgres === undefined) {
        const database = new DatabaseSync(place);
        database.exec(text);
        database.close();
        return;
      }
      const client = new Client({ connectionString: place });
      await client.connect();
      await client.query(text);
      await client.end();
    }

    /** A ledger with one payment, that nobody has open. */
    async function written(): Promise<string> {
      const place = await newPlace();
      const writer = await openWriter(place);
      await writer.claim(paymentClaim());
      await writer.close();
      return place;
    }

    it('shows what the gateway wrote, at once, and holds it up in nothing', async () => {
      const place = await written();
      const writer = await openWriter(place);
      const reader = await openReader(place);
      expect((await reader.find(KEY))?.state).toBe('forwarding');
      const epoch = (await reader.find(KEY))?.epoch ?? 0;
      await writer.transition(KEY, epoch, { to: 'settling' });
      expect((await reader.find(KEY))?.state).toBe('settling');
      expect(await reader.list({}, undefined, 10)).toHaveLength(1);
      await reader.close();
      expect((await writer.transition(KEY, epoch + 1, { to: 'settling' })).kind).toBe('moved');
      await writer.close();
    });

    it('refuses every write, whoever tries', async () => {
      const reader = await openReader(await written());
      // What the type leaves out is there all the same, and the store itself has to say no.
      const { claim } = reader as LedgerReader & Pick<PaymentStore, 'claim'>;
      await expect(claim.call(reader, paymentClaim({ name: 'other' }))).rejects.toMatchObject({
        code: 'store_unavailable',
        cause: { message: expect.stringMatching(/read-?only/) },
      });
      await reader.close();
    });

    it.each([
      ['an older version', 'DELETE FROM turnpike_schema_version WHERE version > 1'],
      ['a newer version', 'INSERT INTO turnpike_schema_version (version) VALUES (1000)'],
    ])('says that it was written by %s, and leaves it so', async (whom, change) => {
      const place = await written();
      await query(place, change);
      const refusal = { name: 'StoreOpenError', message: expect.stringContaining(`written by ${whom}`) };
      await expect(openReader(place)).rejects.toMatchObject(refusal);
      await expect(openReader(place)).rejects.toMatchObject(refusal);
    });

    it('says that there is no ledger in an empty database, and makes none', async () => {
      const place = await newPlace();
      if (postgres === undefined) await writeFile(place, '');
      const refusal = { name: 'StoreOpenError', message: expect.stringContaining('no ledger in this database yet') };
      await expect(openReader(place)).rejects.toMatchObject(refusal);
      await expect(openReader(place)).rejects.toMatchObject(refusal);
    });

    it.skipIf(engine !== 'SQLite')('leaves the file as it is, to the byte, and makes none', async () => {
      const place = await written();
      const digest = (): string => createHash('sha256').update(readFileSync(place)).digest('hex');
      const before = digest();
      const reader = await openReader(place);
      await reader.summarize({});
      await reader.close();
      expect(digest()).toBe(before);
      await expect(openReader(join(folder, 'none.db'))).rejects.toMatchObject({ name: 'StoreOpenError' });
      expect(existsSync(join(folder, 'none.db'))).toBe(false);
    });

    it.skipIf(engine !== 'PostgreSQL')('needs no right but to read', async () => {
      const place = await written();
      await query(
        place,
        `DO $$ BEGIN CREATE ROLE auditor LOGIN PASSWORD 'auditor'; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
        GRANT SELECT ON ALL TABLES IN SCHEMA public TO auditor`,
      );
      const url = new URL(place);
      url.username = 'auditor';
      url.password = 'auditor';
      const reader = await openReader(url.href);
      expect((await reader.find(KEY))?.state).toBe('forwarding');
      await reader.close();
      await query(place, 'DROP OWNED BY auditor; DROP ROLE auditor');
    });
  });
});
