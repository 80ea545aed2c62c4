import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent } from 'undici';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { readToken } from '../../src/pass/token.ts';
import { openStore } from '../../src/registry.ts';
import { makeStorePlace, type StorePlace } from '../crash/store-place.ts';
import { buyPass } from '../support/access.ts';
import { challengeOf } from '../support/buyer.ts';
import { type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process.ts';
import { postgresMissing } from '../support/postgres.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/*
 * Passes on gateways as they are deployed: real processes, with workers, on one store. The figures are those of the
 * promise: a thousand requests for one settlement.
 */

const BOUGHT = 1000;
/** Processes of each replica; the full promise is four, which takes long on a machine of two cores. */
const WORKERS = Number(process.env['TURNPIKE_TEST_WORKERS'] ?? 2);
/** The largest lease of a process while no call waits, with the block that it has just asked for: one block. */
const LEASE = 64;

let devnet: Devnet;
let upstream: TestUpstream;
let buyer: Payer;
let folder: string;
let store: StorePlace;
let running: GatewayProcess[];
let agent: Agent;

beforeAll(async () => {
  [devnet, upstream] = await Promise.all([startDevnet(), startUpstream()]);
});

afterAll(async () => {
  await Promise.all([devnet.close(), upstream.close()]);
});

beforeEach(async () => {
  buyer = await freshPayer(devnet);
  folder = await mkdtemp(join(tmpdir(), 'turnpike-passes-'));
  running = [];
  agent = new Agent({ connections: 16 });
});

afterEach(async () => {
  await agent.close();
  for (const gateway of running) gateway.kill('SIGKILL');
  await Promise.all(running.map(({ ended }) => ended));
  await store.dispose();
  await rm(folder, { recursive: true, force: true });
});

async function start(workers: number): Promise<string> {
  const own = await mkdtemp(join(folder, 'gateway-'));
  const text = settings(devnet, upstream.url).replace('store: memory', `store: ${store.setting}`);
  const gateway = startGatewayProcess(
    own,
    `listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: ${workers}
${text}
limits: { connectionsPerAddress: 10000 }
routes:
  - { path: /reports/*, price: $0.001, access: { for: 1h, requests: ${BOUGHT} } }
`,
  );
  running.push(gateway);
  return (await gateway.ready).url;
}

/** Statuses of calls that are all sent at once, spread over the gateways. */
async function callAll(urls: readonly string[], token: string, count: number): Promise<readonly number[]> {
  return await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const url = `${urls[index % urls.length]}/reports/${index}`;
      const { statusCode, body } = await agent.request({
        origin: new URL(url).origin,
        path: new URL(url).pathname,
        method: 'GET',
        headers: { 'x402-access-token': token },
      });
      await body.dump();
      return statusCode;
    }),
  );
}

function count(statuses: readonly number[], status: number): number {
  return statuses.filter((each) => each === status).length;
}

async function paidTo(): Promise<bigint> {
  return await devnet.usdcBalanceOf(devnet.accounts.payee.address);
}

const noPostgres = await postgresMissing();

describe('one payment', () => {
  it('buys a thousand calls, by one settlement, and the next one is a 402', async () => {
    store = await makeStorePlace('sqlite', folder);
    const url = await start(1);
    const before = await paidTo();
    const { token } = await buyPass(devnet, buyer, `${url}/reports/1`);
    const statuses = await callAll([url], token, BOUGHT);
    expect(count(statuses, 200)).toBe(BOUGHT);
    const over = await fetch(`${url}/reports/1`, { headers: { 'X402-Access-Token': token } });
    expect(over.status).toBe(402);
    expect(challengeOf(over).error).toBe('access_quota_exhausted');
    expect(await paidTo()).toBe(before + 1000n);
  }, 60_000);

  it.skipIf(noPostgres)(
    'buys exactly a thousand calls of three replicas with workers, all at once',
    async () => {
      store = await makeStorePlace('postgres', folder);
      const urls = await Promise.all([start(WORKERS), start(WORKERS), start(WORKERS)]);
      const before = await paidTo();
      const { token } = await buyPass(devnet, buyer, `${urls[0]}/reports/1`);
      const statuses = await callAll(urls, token, BOUGHT + 200);
      expect([count(statuses, 200), count(statuses, 402)]).toEqual([BOUGHT, 200]);
      expect(await paidTo()).toBe(before + 1000n);
    },
    120_000,
  );
});

describe('a pass', () => {
  it('keeps all its requests after a restart, and all but one leased block at most after kill -9', async () => {
    store = await makeStorePlace('sqlite', folder);
    const first = await start(1);
    const { token } = await buyPass(devnet, buyer, `${first}/reports/1`);
    expect(count(await callAll([first], token, 100), 200)).toBe(100);
    running[0]?.kill('SIGTERM');
    await running[0]?.ended;
    const second = await start(1);
    expect(count(await callAll([second], token, 100), 200)).toBe(100);
    running[1]?.kill('SIGKILL');
    await running[1]?.ended;
    const third = await start(1);
    const served = count(await callAll([third], token, BOUGHT), 200);
    expect(served).toBeLessThanOrEqual(BOUGHT - 200);
    expect(served).toBeGreaterThanOrEqual(BOUGHT - 200 - LEASE);
  }, 60_000);

  it('is refused by every worker soon after it was revoked elsewhere', async () => {
    store = await makeStorePlace('sqlite', folder);
    const url = await start(2);
    const { token } = await buyPass(devnet, buyer, `${url}/reports/1`);
    expect(count(await callAll([url], token, 20), 200)).toBe(20);
    const id = readToken(token)?.token.passId;
    if (id === undefined) throw new Error('the token does not read');
    const elsewhere = await openStore(store.spec);
    await elsewhere.passes.revokePass(id, Date.now());
    await elsewhere.close();
    await vi.waitFor(async () => expect(count(await callAll([url], token, 20), 402)).toBe(20), { timeout: 5000 });
  }, 60_000);
});
