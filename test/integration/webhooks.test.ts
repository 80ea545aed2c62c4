import { mkdtemp, rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { settlementOf, stockFetch } from '../support/buyer.ts';
import { type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { planOf, startTestGateway } from '../support/gateway.ts';
import { startGatewayProcess } from '../support/gateway-process.ts';
import { scrapeText } from '../support/metrics.ts';
import { openPostgres, postgresMissing, type TestPostgres } from '../support/postgres.ts';
import { HOOK_SECRET, type Receiver, startReceiver } from '../support/receiver.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

const ROUTES = `routes:
  - { path: /after, price: $0.001, name: after }
  - { path: /before, price: $0.001, settle: before, name: before }
  - { path: /deferred, price: $0.001, settle: deferred, name: deferred }
`;

const missing = await postgresMissing();

let devnet: Devnet;
let upstream: TestUpstream;
let buyer: Payer;
let folder: string;
/** What a test opened, in the order of closing. */
const opened: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  [devnet, upstream, folder] = await Promise.all([
    startDevnet(),
    startUpstream(),
    mkdtemp(join(tmpdir(), 'turnpike-webhooks-')),
  ]);
  buyer = await freshPayer(devnet);
});

afterEach(async () => {
  for (const close of opened.splice(0)) await close();
});

afterAll(async () => {
  await Promise.all([devnet.close(), upstream.close(), rm(folder, { recursive: true, force: true })]);
});

function config(receivers: readonly Receiver[], store = 'memory', hook = ''): string {
  const hooks = receivers.map(({ url }) => `  - { url: "${url}", secret: ${HOOK_SECRET}${hook} }\n`).join('');
  return `${settings(devnet, upstream.url).replace('store: memory', `store: ${store}`)}webhooks:\n${hooks}${ROUTES}`;
}

async function receiver(answer?: (response: ServerResponse, number: number) => void): Promise<Receiver> {
  const one = await startReceiver(answer);
  opened.push(() => one.close());
  return one;
}

/** Pays with the stock client, and says with which transaction. */
async function pay(url: string): Promise<string> {
  const response = await stockFetch(buyer.key)(url);
  expect(response.status).toBe(200);
  await response.arrayBuffer();
  return settlementOf(response).transaction;
}

describe('webhooks', () => {
  it('tell of a payment in every settle mode, signed, to each receiver once', async () => {
    const [all, some] = [await receiver(), await receiver()];
    const text = config([all, some]).replace(`${some.url}", `, `${some.url}", routes: [before], `);
    const gateway = await startTestGateway(text);
    opened.unshift(() => gateway.close());
    const after = await pay(`${gateway.url}/after`);
    const before = await pay(`${gateway.url}/before`);
    expect((await stockFetch(buyer.key)(`${gateway.url}/deferred`)).status).toBe(200);
    const messages = await all.received(3);
    expect(messages.map(({ event }) => event.type)).toEqual(messages.map(() => 'payment.settled'));
    expect(messages.map(({ path }) => path)).toEqual(messages.map(() => '/turnpike'));
    const byRoute = new Map(messages.map(({ event }) => [event.data['route'], event.data]));
    expect(byRoute.get('after')).toMatchObject({ transaction: after, amount: '1000', network: 'eip155:84532' });
    expect(byRoute.get('before')).toMatchObject({ transaction: before, payer: buyer.address.toLowerCase() });
    expect(byRoute.get('deferred')).toMatchObject({ transaction: expect.stringMatching(/^0x[0-9a-f]{64}$/) });
    expect(await some.received(1)).toMatchObject([{ event: { data: { route: 'before' } } }]);
    await expect
      .poll(() => scrapeText(gateway.adminUrl), { timeout: 10_000 })
      .toContain('turnpike_webhooks_total{outcome="delivered"} 4');
    await expect
      .poll(() => scrapeText(gateway.adminUrl), { timeout: 10_000 })
      .toMatch(/^turnpike_webhooks_waiting 0$/m);
    expect(all.messages).toHaveLength(3);
  });

  it('are tried again after a failure, as the same event', async () => {
    const books = await receiver((response, number) => void response.writeHead(number === 1 ? 500 : 204).end());
    let ahead = 0;
    const gateway = await startTestGateway(config([books]), { clock: () => Date.now() + ahead });
    opened.unshift(() => gateway.close());
    await pay(`${gateway.url}/after`);
    await books.received(1);
    await expect
      .poll(() => gateway.log)
      .toContainEqual(
        expect.objectContaining({ msg: 'webhook failed', status: 500, attempt: 1, webhook: new URL(books.url).origin }),
      );
    ahead = 10_000;
    const [first, second] = await books.received(2);
    expect(second?.body).toBe(first?.body);
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
    expect(JSON.stringify(gateway.log)).not.toContain(HOOK_SECRET);
  });

  it('do not follow redirects, whatever else the receiver says with them', async () => {
    const other = await receiver();
    const books = await receiver((response) => void response.writeHead(307, { Location: other.url }).end());
    const gateway = await startTestGateway(config([books]));
    opened.unshift(() => gateway.close());
    await pay(`${gateway.url}/after`);
    await expect
      .poll(() => gateway.log)
      .toContainEqual(expect.objectContaining({ msg: 'webhook failed', status: 307 }));
    expect(other.messages).toEqual([]);
  });

  it('do not delay payments while a receiver is silent, and do not read an endless answer', async () => {
    const silent = await receiver(() => undefined);
    const talker = await receiver((response) => {
      const more = (): void => void (response.destroyed || response.write('x'.repeat(65_536), more));
      response.writeHead(200);
      more();
    });
    const gateway = await startTestGateway(config([silent, talker]));
    opened.unshift(() => gateway.close());
    for (let count = 0; count < 10; count += 1) await pay(`${gateway.url}/before`);
    expect((await silent.received(8)).length).toBe(8);
    expect(await talker.received(10)).toHaveLength(10);
    await expect
      .poll(() => scrapeText(gateway.adminUrl), { timeout: 10_000 })
      .toContain('turnpike_webhooks_total{outcome="delivered"} 10');
  });

  it('reach a receiver that a reload brings, for payments from then on', async () => {
    const [old, added] = [await receiver(), await receiver()];
    const gateway = await startTestGateway(config([old]));
    opened.unshift(() => gateway.close());
    await pay(`${gateway.url}/after`);
    await old.received(1);
    const next = await planOf(`listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\n${config([added])}`);
    (await gateway.prepare(next)).commit();
    const transaction = await pay(`${gateway.url}/after`);
    expect(await added.received(1)).toMatchObject([{ event: { data: { transaction } } }]);
    expect(old.messages).toHaveLength(1);
  });

  it('come after a kill -9 between the settlement and the delivery, as the same event', async () => {
    let answers = false;
    const books = await receiver((response) => {
      if (answers) response.writeHead(204).end();
    });
    const text = `listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\n${config([books], `sqlite:${join(folder, 'killed.db')}`)}`;
    const first = startGatewayProcess(folder, text);
    const transaction = await pay(`${(await first.ready).url}/after`);
    await books.received(1);
    first.kill('SIGKILL');
    await first.ended;
    answers = true;
    const second = startGatewayProcess(folder, text);
    opened.unshift(async () => {
      second.kill('SIGTERM');
      await second.ended;
    });
    const [before, after] = await books.received(2);
    expect(after?.event).toEqual(before?.event);
    expect(after?.event.data).toMatchObject({ transaction });
  }, 60_000);

  describe.each(['sqlite', 'postgres'])('of two replicas on one ledger (%s)', (kind) => {
    let postgres: TestPostgres | undefined;

    afterAll(() => postgres?.dispose());

    it.skipIf(kind === 'postgres' && missing !== undefined)('come once for each payment', async () => {
      if (kind === 'postgres') postgres = await openPostgres();
      const store = (await postgres?.createDatabase()) ?? `sqlite:${join(folder, 'shared.db')}`;
      const books = await receiver();
      // Both settle with one account, so that payments come one after the other.
      const [one, other] = [
        await startTestGateway(config([books], store)),
        await startTestGateway(config([books], store)),
      ];
      opened.unshift(() => Promise.all([one.close(), other.close()]));
      const paid: string[] = [];
      for (let count = 0; count < 12; count += 1) paid.push(await pay(`${[one, other][count % 2]!.url}/after`));
      const messages = await books.received(12);
      expect(messages.map(({ event }) => event.data['transaction']).sort()).toEqual(paid.sort());
      await expect.poll(() => scrapeText(one.adminUrl), { timeout: 10_000 }).toMatch(/^turnpike_webhooks_waiting 0$/m);
      expect(books.messages).toHaveLength(12);
    });
  });
});
