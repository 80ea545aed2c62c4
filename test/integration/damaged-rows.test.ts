import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Pass } from '../../src/domain/pass.ts';
import { DAMAGED_HOLD_MS } from '../../src/store/outbox.ts';
import type { PassPlace } from '../../src/store/passes.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { NOW, paymentClaim, SETTLEMENT } from '../contract/ledger-scene.ts';
import { HOLDER, sale } from '../contract/pass-sale.ts';
import { openSqlPlaces, SQL_ENGINES, type SqlPlaces } from '../support/ledgers/sql-places.ts';
import { postgresMissing } from '../support/postgres.ts';

const missing = await postgresMissing();
const HOLD_MS = 1000;

describe.each(SQL_ENGINES)('damaged rows other than payments (%s)', (engine) => {
  describe.skipIf(engine === 'PostgreSQL' && missing !== undefined)('that a gateway reads again and again', () => {
    let places: SqlPlaces;

    beforeAll(async () => {
      places = await openSqlPlaces(engine);
    });
    afterAll(() => places?.dispose());

    /** A ledger with three passes of one holder, of which a statement damages the second. */
    async function passesDamagedBy(
      change: string,
    ): Promise<{ store: PaymentStore; passes: readonly Pass[]; place: string }> {
      const place = await places.newPlace();
      const store = await places.openWriter(place, () => NOW);
      const passes: Pass[] = [];
      for (const [index, version] of ['a', 'b', 'c'].entries()) {
        passes.push(await store.passes.grant(sale({ payment: version, version }), NOW + index));
      }
      await places.query(place, `UPDATE turnpike_passes SET ${change} WHERE version = 'b'`);
      return { store, passes, place };
    }

    it.each([
      ['opens', "'[\"half'"],
      ['opens', "'{}'"],
      ['scope', "'everything'"],
      ['expires_at', '9000000000000000'],
    ])('are listed apart, in pages of every size: a pass whose %s is %s', async (column, value) => {
      const { store, passes } = await passesDamagedBy(`${column} = ${value}`);
      for (const order of ['oldest first', 'newest first'] as const) {
        for (const limit of [1, 2, 3, 10]) {
          const found: string[] = [];
          const damaged: unknown[] = [];
          for (let after: PassPlace | undefined; ; ) {
            const page = await store.passes.listPasses(after, limit, { order });
            found.push(...page.passes.map(({ version }) => version));
            damaged.push(...page.unreadable);
            if (page.last === undefined) break;
            after = page.last;
          }
          expect([found, limit]).toEqual([order === 'oldest first' ? ['a', 'c'] : ['c', 'a'], limit]);
          expect(damaged).toEqual([{ id: passes[1]?.id, issuedAt: NOW + 1, column }]);
        }
      }
      await store.close();
    });

    it('leave the other passes of their holder good', async () => {
      const { store } = await passesDamagedBy("opens = '['");
      const found = await store.passes.findPasses('route:reports', HOLDER, NOW + 3);
      expect(found.map(({ version }) => version).sort()).toEqual(['a', 'c']);
      await store.close();
    });

    it('are a fault, not a missing pass, for a holder without another pass', async () => {
      const place = await places.newPlace();
      const store = await places.openWriter(place, () => NOW);
      await store.passes.grant(sale(), NOW);
      await places.query(place, "UPDATE turnpike_passes SET opens = '['");
      await expect(store.passes.findPasses('route:reports', HOLDER, NOW)).rejects.toMatchObject({ name: 'DamagedRow' });
      await store.close();
    });

    it.skipIf(engine !== 'SQLite')('do not keep other passes from being revoked everywhere', async () => {
      const { store, passes, place } = await passesDamagedBy("id = x'00ff'");
      for (const { id } of passes) await store.passes.revokePass(id, NOW);
      await places.query(place, "UPDATE turnpike_passes SET revoked_at = 1 WHERE version = 'b'");
      const others = passes.filter(({ version }) => version !== 'b').map(({ id }) => id);
      expect([...(await store.passes.revokedSince(0))].sort()).toEqual(others.sort());
      await store.close();
    });

    /** A ledger with webhook events for three payments, of which the second event is damaged. */
    async function newsDamagedBy(change: string): Promise<{ store: PaymentStore; place: string }> {
      const place = await places.newPlace();
      const store = await places.openWriter(place, () => NOW);
      for (const name of ['a', 'b', 'c']) {
        const { record } = await store.claim(paymentClaim({ name, state: 'settling' }));
        const news = { type: 'payment.settled', hooks: ['books'] } as const;
        await store.transition(record.key, record.epoch, { to: 'delivered', settlement: SETTLEMENT, news });
      }
      await damageNews(place, change);
      return { store, place };
    }
    const damageNews = (place: string, change: string): Promise<void> =>
      places.query(place, `UPDATE turnpike_events SET ${change} WHERE payment = '${paymentClaim({ name: 'b' }).key}'`);

    it.each([
      ['network', "'base'"],
      ['amount', "'-1'"],
      ['type', "'payment.dreamt'"],
    ])('do not delay other webhook events: an event whose %s is %s', async (column, value) => {
      const { store } = await newsDamagedBy(`${column} = ${value}`);
      const { deliveries, unreadable } = await store.outbox.takeDue('books', NOW, HOLD_MS, 10);
      expect(deliveries.map(({ event }) => event.requestId).sort()).toEqual(['request-a', 'request-c']);
      expect(unreadable).toEqual([{ id: expect.stringMatching(/^evt_/), column }]);
      for (const delivery of deliveries) await store.outbox.forget(delivery);
      // The damaged event still waits, and is counted.
      expect((await store.outbox.waiting(['books'])).count).toBe(1);
      await store.close();
    });

    it('are read again after an hour, in case they were repaired', async () => {
      const { store, place } = await newsDamagedBy("amount = '-1'");
      const take = (at: number, limit = 10) => store.outbox.takeDue('books', at, HOLD_MS, limit);
      const { deliveries } = await take(NOW);
      for (const delivery of deliveries) await store.outbox.forget(delivery);
      expect(await take(NOW + DAMAGED_HOLD_MS - 1)).toEqual({ deliveries: [], unreadable: [] });
      expect((await take(NOW + DAMAGED_HOLD_MS)).unreadable).toHaveLength(1);
      await damageNews(place, "amount = '10000'");
      const mended = await take(NOW + 2 * DAMAGED_HOLD_MS);
      expect(mended).toMatchObject({ deliveries: [{ event: { requestId: 'request-b' } }], unreadable: [] });
      await store.close();
    });
  });
});
