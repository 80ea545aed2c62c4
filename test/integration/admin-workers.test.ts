import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/cli/main.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { type BoughtPass, buyPass, callWith } from '../support/access.ts';
import { acting, adminWithToken, askAdmin, putPayment, readAdmin } from '../support/admin.ts';
import { signFor } from '../support/buyer.ts';
import { type Devnet, freshPayer, startDevnet } from '../support/devnet.ts';
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process.ts';
import { openSqlPlaces, SQL_ENGINES, type SqlPlaces } from '../support/ledgers/sql-places.ts';
import { postgresMissing } from '../support/postgres.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

const missing = await postgresMissing();
/** Starting three processes on a busy machine takes its time. */
const LONG = 240_000;
/** What is bought, and what is only asked for. */
const [PAID, ASKED, FREE] = [4, 12, 4];

describe.each(SQL_ENGINES)('the admin page of two workers (%s)', (engine) => {
  describe.skipIf(engine === 'PostgreSQL' && missing !== undefined)('that share a ledger', { timeout: LONG }, () => {
    let folder: string;
    let places: SqlPlaces;
    let place: string;
    let devnet: Devnet;
    let upstream: TestUpstream;
    let gateway: GatewayProcess;
    let store: PaymentStore;
    let url: string;
    let adminUrl: string;
    let pass: BoughtPass;

    const configuration = (price: string): string => `listen: 127.0.0.1:0
${adminWithToken()}workers: 2
${settings(devnet, upstream.url).replace('store: memory', `store: ${places.storeText(place)}`)}
routes:
  - { path: /free, price: free, name: free }
  - { path: "/paid/*", price: ${price}, name: paid }
  - { path: /pass, price: $0.002, access: { for: 1h, requests: 50 }, name: pass }
`;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'turnpike-admin-workers-'));
      [devnet, upstream, places] = await Promise.all([
        startDevnet(),
        startUpstream((_req, res) => res.end('here')),
        openSqlPlaces(engine),
      ]);
      place = await places.newPlace();
      gateway = startGatewayProcess(folder, configuration('$0.001'));
      ({ url, adminUrl } = await gateway.ready);
      store = await places.openWriter(place);
      await load();
    }, LONG);

    afterAll(async () => {
      gateway?.kill('SIGTERM');
      await gateway?.ended;
      await store?.close();
      await Promise.all([devnet?.close(), upstream?.close(), places?.dispose()]);
      rmSync(folder, { recursive: true, force: true });
    });

    /** Some requests of every kind, each on a connection of its own, so that both workers get some. */
    async function load(): Promise<void> {
      const buyer = await freshPayer(devnet);
      const get = async (path: string, header?: string): Promise<number> => {
        const headers = { Connection: 'close', ...(header !== undefined && { 'PAYMENT-SIGNATURE': header }) };
        const response = await fetch(url + path, { headers });
        await response.arrayBuffer();
        return response.status;
      };
      const many = (count: number, path: string) => Array.from({ length: count }, (_, index) => `${path}${index}`);
      await Promise.all(many(ASKED, '/paid/').map((path) => get(path)));
      await Promise.all(Array.from({ length: FREE }, () => get('/free')));
      const paid = many(PAID, '/paid/').map(async (path) => get(path, await signFor(devnet, buyer, url + path)));
      expect(await Promise.all(paid)).toEqual(Array.from({ length: PAID }, () => 200));
      pass = await buyPass(devnet, buyer, `${url}/pass`);
      for (let use = 0; use < 2; use += 1) expect((await callWith(pass.token, `${url}/pass`)).status).toBe(200);
    }

    async function summaryOfCommand(): Promise<{ totals: { amount: string; settled: number }[] }> {
      const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
      const written = text(stdout);
      const argv = ['ledger', 'summary', '--json', '--store', places.storeText(place)];
      await run(argv, { stdin, stdout, stderr, env: {}, on: () => {}, off: () => {} });
      stdout.end();
      return JSON.parse(await written);
    }

    it('shows the sum of what both workers counted', async () => {
      const lines = gateway.log.filter((line) => line['route'] === 'paid');
      expect(new Set(lines.map((line) => line['worker'])).size).toBe(2);
      const told = async () => (await readAdmin(adminUrl, '/api/funnel')).routes;
      // Both unpaid requests of the stock client count: it asks for the price before it pays.
      const paid = { route: 'paid', asked: ASKED + 2 * PAID, priced: ASKED + PAID, paid: PAID, delivered: PAID };
      const sold = { route: 'pass', asked: 4, priced: 1, paid: 1, delivered: 1, passes: 2 };
      await expect.poll(told).toMatchObject([paid, sold]);
      const { facilitators } = await readAdmin(adminUrl, '/api/facilitators');
      const settled = facilitators[0].calls.filter(
        ({ operation, outcome }: { operation: string; outcome: string }) =>
          operation === 'settle' && outcome === 'settled',
      );
      expect(settled).toMatchObject([{ count: PAID + 1 }]);
    });

    it('earns what `turnpike ledger summary` says, to the unit', async () => {
      const told = await summaryOfCommand();
      expect(await readAdmin(adminUrl, '/api/summary')).toEqual(told);
      expect(told.totals).toMatchObject([{ amount: '0.006', settled: PAID + 1 }]);
      const { money, byRoute } = await readAdmin(adminUrl, '/api/revenue');
      expect(money).toMatchObject([{ symbol: 'USDC', amount: '0.006', settled: PAID + 1 }]);
      expect(byRoute.map(({ name }: { name: string }) => name)).toEqual(['paid', 'pass']);
    });

    it('shows the state of both workers', async () => {
      const { workers, checks } = await readAdmin(adminUrl, '/api/status');
      expect(workers).toBe(2);
      const names = checks.map(({ name }: { name: string }) => name).join();
      expect(names).toContain('worker 1: ');
      expect(names).toContain('worker 2: ');
      const facilitators = await readAdmin(adminUrl, '/api/facilitators');
      const told = facilitators.checks.map(({ name }: { name: string }) => name.split(' on ')[0]);
      expect(told.sort()).toEqual(['worker 1: facilitator for exact', 'worker 2: facilitator for exact']);
    });

    it('revokes a pass at both workers', async () => {
      const { passes } = await readAdmin(adminUrl, '/api/passes');
      expect(passes).toMatchObject([{ scope: 'route:pass', state: 'good', bought: 50 }]);
      const done = await askAdmin(adminUrl, '/api/passes/revoke', acting({ id: passes[0].id }));
      expect([done.status, JSON.parse(done.text).state]).toEqual([200, 'revoked']);
      const uses = async () => {
        const answers = await Promise.all(
          Array.from({ length: 6 }, () => callWith(pass.token, `${url}/pass`, { headers: { Connection: 'close' } })),
        );
        return [...new Set(answers.map(({ status }) => status))];
      };
      await expect.poll(uses, { timeout: 30_000 }).toEqual([402]);
    });

    it('notes that somebody took care of a payment', async () => {
      // The gateway would finish a payment of a process that has ended.
      const owner = 'process-of-the-test';
      await store.beat(owner, Date.now());
      const paid = { name: '0xlost', owner, claimedAt: Date.now() };
      const key = await putPayment(store, paid, 'settling', 'delivery_unknown');
      const done = await askAdmin(adminUrl, '/api/payments/resolve', acting({ key, note: 'sent again by hand' }));
      expect(done.status).toBe(200);
      expect(await readAdmin(adminUrl, `/api/payment?key=${encodeURIComponent(key)}`)).toMatchObject({
        state: 'delivery_unknown',
        resolved: { note: 'sent again by hand' },
      });
    });

    it('reloads a new file, shows the prices in force, and shows why a bad file was refused', async () => {
      const file = join(folder, 'gateway.yaml');
      expect(readFileSync(file, 'utf8')).toContain('$0.001');
      const history = async () => (await readAdmin(adminUrl, '/api/configuration')).history;
      const priceNow = async () => (await readAdmin(adminUrl, '/api/routes')).routes[1].price;
      // Renamed into its place: a file that is just being written may be read half.
      const change = (price: string): void => {
        writeFileSync(`${file}.next`, configuration(price));
        renameSync(`${file}.next`, file);
      };
      change('$0.003');
      await askAdmin(adminUrl, '/api/reload', acting({}));
      // The gateway also watches the file: the first of the two reads it.
      await expect.poll(priceNow, { timeout: 30_000 }).toBe('0.003 USDC');
      expect((await history()).map(({ outcome }: { outcome: string }) => outcome)).toContain('applied');
      change('three');
      await askAdmin(adminUrl, '/api/reload', acting({}));
      await expect.poll(async () => (await history())[0].outcome, { timeout: 30_000 }).toBe('refused');
      expect((await readAdmin(adminUrl, '/api/configuration')).detail).toMatch(/price/);
      expect(await priceNow()).toBe('0.003 USDC');
      // The counters continue over the reload.
      expect((await readAdmin(adminUrl, '/api/funnel')).routes[0]).toMatchObject({ route: 'paid', paid: PAID });
    });
  });
});
