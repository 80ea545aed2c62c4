import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { OWING } from '../../src/domain/payment-state.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { NOW, STATES, wayTo } from '../contract/ledger-scene.ts';
import { acting, adminWithToken, askAdmin, asOwner, putPayment, readAdmin } from '../support/admin.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { openSqlPlaces, SQL_ENGINES, type SqlPlaces } from '../support/ledgers/sql-places.ts';
import { postgresMissing } from '../support/postgres.ts';

const DAY_MS = 86_400_000;
const missing = await postgresMissing();

describe.each(SQL_ENGINES)('the admin API (%s)', (engine) => {
  describe.skipIf(engine === 'PostgreSQL' && missing !== undefined)('on a ledger', () => {
    let places: SqlPlaces;
    let place: string;
    let store: PaymentStore;
    let gateway: TestGateway;

    const configuration = (): string => `${adminWithToken()}
upstream: http://127.0.0.1:9
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base-sepolia]
facilitator: http://127.0.0.1:9
store: ${places.storeText(place)}
routes:
  - { path: /a, price: $0.01, name: a }
  - { path: /free, price: free }
`;

    beforeAll(async () => {
      places = await openSqlPlaces(engine);
      place = await places.newPlace();
      store = await places.openWriter(place, () => NOW);
      // A mixed load: every state, several days, prices and payers.
      await store.beat('process-1', NOW);
      let count = 0;
      for (const state of STATES) {
        for (const [index, amount] of [10_000n, 1n, (1n << 90n) + 1n].entries()) {
          count += 1;
          const more = { claimedAt: NOW - index * DAY_MS - count, route: count % 2 === 0 ? 'a' : 'a#2' };
          await putPayment(store, { name: `0x${count}`, amount, ...more }, ...wayTo(state));
        }
      }
      gateway = await startTestGateway(configuration(), { clock: () => NOW });
    });

    afterAll(async () => {
      await gateway?.close();
      await store?.close();
      await places?.dispose();
    });

    /** Runs the command inside this process. */
    async function summaryOfCommand(...more: string[]): Promise<unknown> {
      const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
      const written = text(stdout);
      const argv = ['ledger', 'summary', '--json', '--store', places.storeText(place), ...more];
      await run(argv, { stdin, stdout, stderr, env: {}, on: () => {}, off: () => {} });
      stdout.end();
      return JSON.parse(await written);
    }

    async function read(path: string) {
      return await readAdmin(gateway.adminUrl, path);
    }

    describe('figures of the admin page', () => {
      it('equal those of `turnpike ledger summary` to the unit, after a load of every kind', async () => {
        const told = await summaryOfCommand();
        expect(await read('/api/summary')).toEqual(told);
        const { money, byRoute, byDay, byNetwork, byAsset } = await read('/api/revenue?days=30');
        const totals = (told as { totals: { amount: string; settled: number; open: number }[] }).totals;
        expect(money).toHaveLength(1);
        expect(money[0]).toMatchObject({ symbol: 'USDC', amount: totals[0]?.amount, settled: totals[0]?.settled });
        expect(byNetwork).toEqual([{ name: 'base-sepolia', money }]);
        expect(byAsset).toEqual([{ name: 'USDC on base-sepolia', money }]);
        expect(byRoute).toEqual([{ name: 'a', money }]);
        const days = byDay.filter((day: { money: unknown[] }) => day.money.length > 0);
        expect(days).toHaveLength(new Set((told as { lines: { day: string }[] }).lines.map(({ day }) => day)).size);
      });

      it('for today equal those of the command since midnight', async () => {
        const midnight = new Date(Math.floor(NOW / DAY_MS) * DAY_MS).toISOString();
        const { totals } = (await summaryOfCommand('--since', midnight)) as { totals: { amount: string }[] };
        const { periods } = await read('/api/revenue');
        expect(periods[0].money[0].amount).toBe(totals[0]?.amount);
      });
    });

    describe('payments of the admin page', () => {
      it('come in pages, the latest first, each once', async () => {
        const seen: string[] = [];
        let after = '';
        for (;;) {
          const page = await read(`/api/payments?limit=7${after === '' ? '' : `&after=${after}`}`);
          seen.push(...page.payments.map(({ key }: { key: string }) => key));
          if (page.next === null) break;
          after = page.next;
        }
        const all = await store.list({}, undefined, 500, 'newest first');
        expect(seen).toEqual(all.map(({ key }) => key));
      });

      it('are found by route, state, payer, and any of their names', async () => {
        const found = async (query: string) => (await read(`/api/payments?limit=200&${query}`)).payments.length;
        expect(await found('route=a')).toBe(STATES.length * 3);
        expect(await found('state=unknown,defaulted')).toBe(6);
        expect(await found(`payer=0x${'01'.repeat(20).toUpperCase()}`)).toBe(STATES.length * 3);
        expect(await found('name=request-0x7')).toBe(1);
        expect(await found('name=nothing')).toBe(0);
      });

      it('are shown with their state and a link to their transaction, without a signature', async () => {
        const [record] = await store.list({ states: ['delivered'] }, undefined, 1);
        const told = await read(`/api/payment?key=${encodeURIComponent(record?.key ?? '')}`);
        expect(told).toMatchObject({
          state: 'delivered',
          meaning: expect.stringContaining('delivered'),
          networkName: 'base-sepolia',
          transactionUrl: `https://sepolia.basescan.org/tx/${record?.settlement?.transaction}`,
          resolvable: false,
        });
        expect(JSON.stringify(told)).not.toContain('evidence');
      });

      it('in doubt are listed oldest first, with how long they have been in doubt', async () => {
        const { open, waiting } = await read('/api/doubt');
        expect(new Set(open.map(({ state }: { state: string }) => state))).toEqual(new Set(OWING));
        const ages = open.map(({ forMs }: { forMs: number }) => forMs);
        expect(ages).toEqual(ages.toSorted((a: number, b: number) => b - a));
        expect(waiting.payments).toHaveLength(12);
      });
    });

    describe('actions of the admin page', () => {
      it('save a note for a resolved payment, and refuse a payment that needs no action', async () => {
        const [doubtful] = await store.list({ states: ['unknown'] }, undefined, 1);
        const [fine] = await store.list({ states: ['delivered'] }, undefined, 1);
        const note = 'refunded by hand';
        const done = await askAdmin(gateway.adminUrl, '/api/payments/resolve', acting({ key: doubtful?.key, note }));
        expect([done.status, JSON.parse(done.text)]).toEqual([200, expect.objectContaining({ state: 'unknown' })]);
        if (doubtful !== undefined) expect((await store.find(doubtful.key))?.resolution).toEqual({ at: NOW, note });
        const refused = await askAdmin(gateway.adminUrl, '/api/payments/resolve', acting({ key: fine?.key, note }));
        expect([refused.status, JSON.parse(refused.text).code]).toEqual([409, 'nothing_to_resolve']);
        for (const body of [{ key: doubtful?.key, note: ' ' }, { note }, { key: 7, note }]) {
          expect((await askAdmin(gateway.adminUrl, '/api/payments/resolve', acting(body))).status).toBe(400);
        }
        const unknown = await askAdmin(gateway.adminUrl, '/api/payments/resolve', acting({ key: 'nothing', note }));
        expect(unknown.status).toBe(404);
      });

      it('revoke a pass', async () => {
        const [record] = await store.list({ states: ['delivered'] }, undefined, 1);
        if (record === undefined) throw new Error('nothing was delivered');
        const pass = await store.passes.grant(
          {
            paymentKey: record.key,
            scope: 'route:a',
            holder: { family: 'eip155', payer: record.payer },
            opens: ['f'],
            version: 'v',
            forMs: 60_000,
            requests: 5,
          },
          NOW,
        );
        expect((await read('/api/passes')).passes).toEqual([
          expect.objectContaining({ id: pass.id, state: 'good', available: 5 }),
        ]);
        const done = await askAdmin(gateway.adminUrl, '/api/passes/revoke', acting({ id: pass.id }));
        expect([done.status, JSON.parse(done.text).state]).toEqual([200, 'revoked']);
        expect((await store.passes.findPass(pass.id))?.revokedAt).toBe(NOW);
        for (const id of ['x', 'A'.repeat(22)]) {
          expect((await askAdmin(gateway.adminUrl, '/api/passes/revoke', acting({ id }))).status).toBe(404);
        }
      });
    });

    describe('answers about the gateway', () => {
      it('show the price table, the facilitators, the funnel and the checks', async () => {
        await fetch(`${gateway.url}/a`);
        const { routes } = await read('/api/routes');
        expect(routes[0]).toMatchObject({ name: 'a', price: '0.01 USDC' });
        expect((await read('/api/facilitators')).facilitators).toEqual([expect.objectContaining({ kind: 'remote' })]);
        expect((await read('/api/status')).actions).toBe(true);
        expect((await read('/api/funnel')).routes).toEqual([expect.objectContaining({ route: 'a', asked: 1 })]);
        expect((await read('/api/configuration')).history).toEqual([]);
      });

      it('say what it would do with a request, as `turnpike explain` does', async () => {
        const body = JSON.stringify({
          method: 'get',
          url: 'https://api.example.com/a?x=1',
          headers: 'Accept: text/plain',
        });
        const headers = asOwner({ 'Content-Type': 'application/json' });
        const told = await readAdmin(gateway.adminUrl, '/api/explain', { method: 'POST', headers, body });
        expect(told).toMatchObject({ kind: 'matched', path: '/a', route: { name: 'a' } });
        for (const wrong of [{ method: 'G T', url: '/a' }, { method: 'GET', url: 'http://a b/' }, { method: 'GET' }]) {
          const given = { method: 'POST', headers, body: JSON.stringify(wrong) };
          expect((await askAdmin(gateway.adminUrl, '/api/explain', given)).status, JSON.stringify(wrong)).toBe(400);
        }
      });

      it.each([
        '/api/payments?limit=0',
        '/api/payments?limit=201',
        '/api/payments?limit=1&limit=2',
        '/api/payments?state=odd',
        '/api/payments?after=x',
        `/api/payments?name=${'a'.repeat(2001)}`,
        '/api/revenue?days=0',
        '/api/revenue?days=1e9',
      ])('are refused for %s', async (path) => {
        expect((await askAdmin(gateway.adminUrl, path, { headers: asOwner() })).status).toBe(400);
      });
    });
  });
});
