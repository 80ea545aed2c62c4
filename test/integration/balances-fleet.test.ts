import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent } from 'undici';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { PassQuota } from '../../src/domain/pass.ts';
import { openStore } from '../../src/registry.ts';
import { makeStorePlace, type StorePlace } from '../crash/store-place.ts';
import { buyPass } from '../support/access.ts';
import { type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process.ts';
import { type MeteredApi, startMeteredApi } from '../support/metering/metered-api.ts';
import { postgresMissing } from '../support/postgres.ts';
import { settings } from '../support/settings.ts';

/*
 * Balances on gateways as they are deployed: real processes on one store. A balance of 25 cents pays at most five calls at
 * a time, each of up to five cents, and each costs a tenth of a cent in the end.
 */

const BALANCE = 250_000;
const MOST = 50_000;
const CHARGE = 1000;

let devnet: Devnet;
let api: MeteredApi;
let buyer: Payer;
let folder: string;
let store: StorePlace;
let running: GatewayProcess[];
let agent: Agent;

beforeAll(async () => {
  [devnet, api] = await Promise.all([startDevnet(), startMeteredApi()]);
});

afterAll(async () => {
  await Promise.all([devnet.close(), api.close()]);
});

beforeEach(async () => {
  buyer = await freshPayer(devnet);
  folder = await mkdtemp(join(tmpdir(), 'turnpike-balances-'));
  running = [];
  // Few enough that a busy machine does not take long to open connections to the store.
  agent = new Agent({ connections: 5 });
  api.answer = (to) => void to.writeHead(200, { 'X-Cost': '1' }).end('done');
});

afterEach(async () => {
  await agent.close();
  for (const gateway of running) gateway.kill('SIGKILL');
  await Promise.all(running.map(({ ended }) => ended));
  await store.dispose();
  await rm(folder, { recursive: true, force: true });
});

async function start(): Promise<string> {
  const own = await mkdtemp(join(folder, 'gateway-'));
  const text = settings(devnet, api.url).replace('store: memory', `store: ${store.setting}`);
  const gateway = startGatewayProcess(
    own,
    `listen: 127.0.0.1:0
admin: 127.0.0.1:0
${text}
limits: { connectionsPerAddress: 10000 }
routes:
  - path: /calls/*
    price: { upTo: $0.05, meter: { header: X-Cost }, rates: { unit: $0.001 } }
    access: { balance: $0.25 }
`,
  );
  running.push(gateway);
  return (await gateway.ready).url;
}

/** Statuses of calls that are all sent at once, spread over the gateways. */
async function callAll(urls: readonly string[], token: string, count: number): Promise<readonly number[]> {
  return await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const { statusCode, body } = await agent.request({
        origin: urls[index % urls.length] ?? '',
        path: `/calls/${index}`,
        method: 'GET',
        headers: { 'x402-access-token': token },
      });
      await body.dump();
      return statusCode;
    }),
  );
}

async function quota(): Promise<PassQuota> {
  const elsewhere = await openStore(store.spec);
  const [pass] = (await elsewhere.passes.listPasses(undefined, 2, { payer: buyer.address })).passes;
  await elsewhere.close();
  if (pass?.quota === undefined) throw new Error('there is no balance');
  return pass.quota;
}

const noPostgres = await postgresMissing();

describe('A balance', () => {
  it.skipIf(noPostgres)(
    'is spent to the unit by calls to three replicas at once, and never beyond what it holds',
    async () => {
      store = await makeStorePlace('postgres', folder);
      const urls = await Promise.all([start(), start(), start()]);
      const { token } = await buyPass(devnet, buyer, `${urls[0]}/calls/first`);
      let served = 1;
      for (let round = 0; round < 8; round += 1) {
        const statuses = await callAll(urls, token, 50);
        expect(statuses.filter((status) => ![200, 402, 429].includes(status))).toEqual([]);
        served += statuses.filter((status) => status === 200).length;
      }
      expect(served).toBeLessThanOrEqual((BALANCE - MOST) / CHARGE + 1);
      expect(await quota()).toEqual({ bought: BALANCE, available: BALANCE - served * CHARGE, lent: 0 });
    },
    120_000,
  );

  it.each(
    noPostgres ? ['sqlite' as const] : ['sqlite' as const, 'postgres' as const],
  )('gets back what calls of a killed process held, from the next process (%s)', async (kind) => {
    store = await makeStorePlace(kind, folder);
    const url = await start();
    const { token } = await buyPass(devnet, buyer, `${url}/calls/first`);
    expect(await callAll([url], token, 1)).toEqual([200]);
    const arrived = Promise.withResolvers<void>();
    let waiting = 0;
    api.answer = () => {
      waiting += 1;
      if (waiting === 3) arrived.resolve();
    };
    const cut = Promise.allSettled(Array.from({ length: 3 }, () => callAll([url], token, 1)));
    await arrived.promise;
    expect(await quota()).toEqual({ bought: BALANCE, available: BALANCE - 2 * CHARGE - 3 * MOST, lent: 3 * MOST });
    running[0]?.kill('SIGKILL');
    await running[0]?.ended;
    expect((await cut).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    api.answer = (to) => void to.writeHead(200, { 'X-Cost': '1' }).end('done');
    const next = await start();
    await expect
      .poll(quota, { timeout: 60_000 })
      .toEqual({ bought: BALANCE, available: BALANCE - 2 * CHARGE, lent: 0 });
    expect(await callAll([next], token, 1)).toEqual([200]);
    expect(await quota()).toMatchObject({ available: BALANCE - 3 * CHARGE, lent: 0 });
  }, 120_000);
});
