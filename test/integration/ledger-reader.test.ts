import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BookPlace } from '../../src/store/books.ts';
import type { LedgerReader } from '../../src/store/ledger-reader.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { NOW, paymentClaim, SETTLEMENT } from '../contract/ledger-scene.ts';
import { openSqlPlaces, SQL_ENGINES, type SqlPlaces } from '../support/ledgers/sql-places.ts';
import { postgresMissing } from '../support/postgres.ts';

const missing = await postgresMissing();
const KEY = paymentClaim().key;

describe.each(SQL_ENGINES)('a ledger that is only read (%s)', (engine) => {
  describe.skipIf(engine === 'PostgreSQL' && missing !== undefined)('while a gateway writes it, or none does', () => {
    let places: SqlPlaces;

    beforeAll(async () => {
      places = await openSqlPlaces(engine);
    });

    afterAll(() => places?.dispose());

    const newPlace = (): Promise<string> => places.newPlace();
    const openWriter = (place: string): Promise<PaymentStore> => places.openWriter(place);
    const openReader = (place: string): Promise<LedgerReader> => places.openReader(place);
    const query = (place: string, text: string): Promise<void> => places.query(place, text);

    /** A ledger with one payment, that nobody has open. */
    async function written(): Promise<string> {
      const place = await newPlace();
      const writer = await openWriter(place);
      await writer.claim(paymentClaim());
      await writer.close();
      return place;
    }

    it('shows at once what the gateway wrote, and does not block the gateway', async () => {
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

    it('refuses every write', async () => {
      const reader = await openReader(await written());
      // The type leaves the method out, but the object has it: the store itself has to refuse.
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
    ])('says that it was written by %s, and does not change it', async (whom, change) => {
      const place = await written();
      await query(place, change);
      const refusal = { name: 'StoreOpenError', message: expect.stringContaining(`written by ${whom}`) };
      await expect(openReader(place)).rejects.toMatchObject(refusal);
      await expect(openReader(place)).rejects.toMatchObject(refusal);
    });

    it('says that there is no ledger in an empty database, and makes none', async () => {
      const place = await newPlace();
      if (engine === 'SQLite') await writeFile(place, '');
      const refusal = { name: 'StoreOpenError', message: expect.stringContaining('no ledger in this database yet') };
      await expect(openReader(place)).rejects.toMatchObject(refusal);
      await expect(openReader(place)).rejects.toMatchObject(refusal);
    });

    /** A ledger whose second of three payments, all in doubt, was damaged by a statement. */
    async function damagedBy(change: string): Promise<string> {
      const place = await newPlace();
      const writer = await openWriter(place);
      for (const [index, name] of ['a', 'b', 'c'].entries()) {
        const claim = paymentClaim({ name, claimedAt: NOW + index });
        const taken = await writer.claim(claim);
        await writer.transition(claim.key, taken.record.epoch, { to: 'settling' });
        await writer.transition(claim.key, taken.record.epoch + 1, { to: 'unknown', settlement: SETTLEMENT });
      }
      await writer.close();
      await query(place, `UPDATE turnpike_payments SET ${change} WHERE key = '${paymentClaim({ name: 'b' }).key}'`);
      return place;
    }
    const nameOf = ({ key }: { readonly key: string }): string => key.slice(key.lastIndexOf('|') + 1);
    const DAMAGE = [
      ['settled_extensions', "'{\"half'"],
      ['settled_extensions', "'7'"],
      ['settled_amount', "'ten'"],
      ['amount', "'-1'"],
      ['network', "'base'"],
      ['usage', '\'{"meter": \''],
      ['changed_at', '9000000000000000'],
    ] as const;

    it.each(DAMAGE)('lists apart a row whose %s is %s, in pages of every size', async (column, value) => {
      const reader = await openReader(await damagedBy(`${column} = ${value}`));
      for (const order of ['oldest first', 'newest first'] as const) {
        for (const limit of [1, 2, 3, 10]) {
          const [sound, unreadable]: [string[], { key: string; column: string }[]] = [[], []];
          let after: BookPlace | undefined;
          do {
            const page = await reader.page({}, after, limit, order);
            sound.push(...page.records.map(nameOf));
            unreadable.push(...page.unreadable);
            after = page.last;
          } while (after !== undefined);
          expect(sound, `${order} ${limit}`).toEqual(order === 'oldest first' ? ['a', 'c'] : ['c', 'a']);
          expect(unreadable).toEqual([{ key: paymentClaim({ name: 'b' }).key, claimedAt: NOW + 1, column }]);
        }
      }
      await reader.close();
    });

    it('lets recovery take the other open payments when one cannot be read', async () => {
      const writer = await openWriter(await damagedBy("settled_extensions = '{'"));
      const taken = await writer.takeOpen('finder', Date.now(), 60_000, 10);
      expect(taken.map(nameOf).sort()).toEqual(['a', 'c']);
      // The operator still sees it as open.
      expect(await writer.countOpen()).toMatchObject([{ state: 'unknown', count: 3 }]);
      await writer.close();
    });

    it('counts the money of a row whose usage is damaged, under no model', async () => {
      const reader = await openReader(await damagedBy('usage = \'{"meter": \''));
      expect(await reader.summarizeModels({})).toMatchObject([{ model: undefined, open: 1 }]);
      await reader.close();
    });

    it.skipIf(engine !== 'SQLite')('pages past a row without a readable claim time', async () => {
      const reader = await openReader(await damagedBy("claimed_at = 'noon'"));
      const { records, unreadable } = await reader.page({}, undefined, 10, 'newest first');
      expect(records.map(nameOf)).toEqual(['c', 'a']);
      expect(unreadable).toEqual([
        { key: paymentClaim({ name: 'b' }).key, claimedAt: undefined, column: 'claimed_at' },
      ]);
      await expect(reader.page({}, undefined, 1, 'newest first')).rejects.toMatchObject({ name: 'DamagedRow' });
      await reader.close();
    });

    it.skipIf(engine !== 'SQLite')('leaves the file as it is, to the byte, and makes none', async () => {
      const place = await written();
      const digest = (): string => createHash('sha256').update(readFileSync(place)).digest('hex');
      const before = digest();
      const reader = await openReader(place);
      await reader.summarize({});
      await reader.close();
      expect(digest()).toBe(before);
      const none = await newPlace();
      await expect(openReader(none)).rejects.toMatchObject({ name: 'StoreOpenError' });
      expect(existsSync(none)).toBe(false);
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
