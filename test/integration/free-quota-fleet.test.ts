import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent } from 'undici';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeStorePlace, type StorePlace } from '../crash/store-place.ts';
import type { Payer } from '../support/devnet.ts';
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process.ts';
import { postgresMissing } from '../support/postgres.ts';
import { signInFor } from '../support/sign-in.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/** Free requests, and those of keys, on gateways as they are deployed: real processes, with workers, on one store. Never over. */

const FREE = 100;
/** Free requests of each account that signs in. */
const FREE_BY_ACCOUNT = 20;
/** How many each key of a customer opens. */
const KEYED = 40;
const KEY = 'k3y-of-acme-0123456789abcdef';
const HASH = createHash('sha256').update(KEY).digest('hex');

let upstream: TestUpstream;
let folder: string;
let store: StorePlace;
let running: GatewayProcess[];
let agent: Agent;

beforeAll(async () => {
  upstream = await startUpstream((_, res) => res.end('news'));
});
afterAll(async () => await upstream.close());

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'turnpike-free-'));
  running = [];
  agent = new Agent({ connections: 8 });
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
  const gateway = startGatewayProcess(
    own,
    `listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: ${workers}
upstream: ${upstream.url}
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base-sepolia]
facilitator: { url: "http://127.0.0.1:9" }
store: ${store.setting}
limits: { connectionsPerAddress: 10000 }
trustedProxies: [127.0.0.1]
routes:
  - { path: /news, price: $0.001, free: { requests: ${FREE}, per: 3000d } }
  - { path: /mine, price: $0.001, free: { requests: ${FREE_BY_ACCOUNT}, per: 3000d, by: payer } }
  - { path: /keyed, price: $0.001, keys: { header: X-Api-Key, sha256: ${HASH}, requests: ${KEYED}, per: 3000d } }
`,
  );
  running.push(gateway);
  return (await gateway.ready).url;
}

/** How many of so many requests at once, spread over the gateways, were served for nothing; all others are asked for money. */
async function servedOf(
  count: number,
  urls: readonly string[],
  asked: { readonly path?: string; readonly headers?: (index: number) => Record<string, string> } = {},
): Promise<number> {
  const { path = '/news', headers = () => ({}) } = asked;
  const statuses = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const origin = urls[index % urls.length] ?? '';
      const answer = await agent.request({ origin, path, method: 'GET', headers: headers(index) });
      await answer.body.dump();
      return answer.statusCode;
    }),
  );
  expect(statuses.filter((status) => status !== 200 && status !== 402)).toEqual([]);
  return statuses.filter((status) => status === 200).length;
}

const KEYED_REQUEST = { path: '/keyed', headers: () => ({ 'X-Api-Key': KEY }) };

/** Addresses of one network of 64 bits, behind what a client writes in front of what the proxy says. */
const rotating = (network: string) => ({
  headers: (index: number) => ({
    'X-Forwarded-For': `198.51.100.${index % 250}, ${network}:${index.toString(16)}:${((index * 479) % 65_536).toString(16)}::${(index + 1).toString(16)}`,
    Forwarded: `for=203.0.113.${index % 250}`,
    'X-Real-IP': `203.0.113.${index % 250}`,
  }),
});

/** How many of so many sign-ins of one account, sent at once, were served for nothing. */
async function signedInOf(count: number, account: Payer, urls: readonly string[]): Promise<number> {
  const signed = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const url = `${urls[index % urls.length] ?? ''}/mine`;
      return { url, header: await signInFor(account, url) };
    }),
  );
  const answers = await Promise.all(
    signed.map(({ url, header }) => fetch(url, { headers: { 'SIGN-IN-WITH-X': header } })),
  );
  expect(answers.filter(({ status }) => status !== 200 && status !== 402)).toEqual([]);
  return answers.filter(({ status }) => status === 200).length;
}

function newAccount(): Payer {
  const key = generatePrivateKey();
  return { key, address: privateKeyToAccount(key).address };
}

const noPostgres = await postgresMissing();

describe('the free requests of one client', () => {
  it('are as many as the file says, of workers on one SQLite file, and again after kill -9 no more', async () => {
    store = await makeStorePlace('sqlite', folder);
    const first = await start(2);
    expect(await servedOf(60, [first])).toBe(60);
    running[0]?.kill('SIGKILL');
    await running[0]?.ended;
    const second = await start(2);
    expect(await servedOf(FREE, [second])).toBe(FREE - 60);
  }, 240_000);

  it.skipIf(noPostgres)(
    'are as many as the file says, of three replicas on one Postgres, all at once',
    async () => {
      store = await makeStorePlace('postgres', folder);
      const urls = await Promise.all([start(1), start(1), start(1)]);
      expect(await servedOf(FREE + 50, urls)).toBe(FREE);
    },
    240_000,
  );
});

describe('the free requests of one account', () => {
  it('are as many as the file says, of workers on one SQLite file, and again after kill -9 no more', async () => {
    store = await makeStorePlace('sqlite', folder);
    const account = newAccount();
    const first = await start(2);
    expect(await signedInOf(12, account, [first])).toBe(12);
    running[0]?.kill('SIGKILL');
    await running[0]?.ended;
    const second = await start(2);
    expect(await signedInOf(50, account, [second])).toBe(FREE_BY_ACCOUNT - 12);
  }, 240_000);

  it.skipIf(noPostgres)(
    'are as many as the file says, of three replicas on one Postgres, all at once',
    async () => {
      store = await makeStorePlace('postgres', folder);
      const urls = await Promise.all([start(1), start(1), start(1)]);
      expect(await signedInOf(50, newAccount(), urls)).toBe(FREE_BY_ACCOUNT);
    },
    240_000,
  );
});

describe('the requests of one key', () => {
  it('are as many as the file says, of workers on one SQLite file, and again after kill -9 no more', async () => {
    store = await makeStorePlace('sqlite', folder);
    const first = await start(2);
    expect(await servedOf(25, [first], KEYED_REQUEST)).toBe(25);
    running[0]?.kill('SIGKILL');
    await running[0]?.ended;
    const second = await start(2);
    expect(await servedOf(KEYED, [second], KEYED_REQUEST)).toBe(KEYED - 25);
    // On the same gateway, since processes take long to start: addresses of one network, and of the next.
    expect(await servedOf(FREE + 30, [second], rotating('2001:db8:0:1'))).toBe(FREE);
    expect(await servedOf(10, [second], rotating('2001:db8:0:2'))).toBe(10);
  }, 240_000);

  it.skipIf(noPostgres)(
    'are as many as the file says, of three replicas on one Postgres, all at once, and so are those of a network',
    async () => {
      store = await makeStorePlace('postgres', folder);
      const urls = await Promise.all([start(1), start(1), start(1)]);
      expect(await servedOf(KEYED + 30, urls, KEYED_REQUEST)).toBe(KEYED);
      expect(await servedOf(FREE + 30, urls, rotating('2001:db8:0:1'))).toBe(FREE);
      expect(await servedOf(9, urls, rotating('2001:db8:0:2'))).toBe(9);
    },
    240_000,
  );
});
