import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Address } from '../../src/devnet/addresses.ts';
import { type Answer, ask } from '../crash/ask.ts';
import { startGatewayProcess } from '../crash/gateway-process.ts';
import { localSetting } from '../crash/judge.ts';
import { configurationOf, type Places, type PricedRoute, ROUTES } from '../crash/price-table.ts';
import { makeStorePlace, type StoreKind, type StorePlace } from '../crash/store-place.ts';
import { askPrices } from '../crash/world.ts';
import { clientOf, type Devnet, freshPayer, setBalance, startDevnet } from '../support/devnet.ts';
import { encodePayment, handSigned, type Requirement } from '../support/payment-header.ts';
import { postgresMissing } from '../support/postgres.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/*
 * Real processes, as they are deployed: each with a settling account of its own, all with one ledger, behind one name.
 */

const COPIES = 50;
const ETHER = 10n ** 18n;
/** Payments are bound to the host that buyers see, whichever process they reach. */
const HOST = 'api.example.test';

let devnet: Devnet;

beforeAll(async () => {
  devnet = await startDevnet();
});

afterAll(async () => {
  await devnet.close();
});

/** Some gateways on one ledger, before one API. */
interface Fleet {
  readonly upstream: TestUpstream;
  /** The accounts that settle, one for each gateway. */
  readonly settlers: readonly Address[];
  readonly prices: ReadonlyMap<string, Requirement>;
  /** Sends one payment so many times at once, spread over all gateways. */
  sendCopies(route: PricedRoute, payment: string): Promise<readonly Answer[]>;
  /** Ends all of it; resolves to the exit codes of the gateways. */
  close(): Promise<readonly (number | null)[]>;
}

async function startFleet(kind: StoreKind, size: number): Promise<Fleet> {
  const folder = await mkdtemp(join(tmpdir(), 'turnpike-replicas-'));
  const [upstream, store] = await Promise.all([startUpstream(), makeStorePlace(kind, folder)]);
  const keys = Array.from({ length: size }, generatePrivateKey);
  const settlers = keys.map((key) => privateKeyToAccount(key).address);
  await Promise.all(settlers.map((address) => setBalance(devnet, address, ETHER)));
  const gateways = await Promise.all(
    keys.map(async (settlerKey) => {
      const file = join(folder, `${privateKeyToAccount(settlerKey).address}.yaml`);
      await writeFile(
        file,
        configurationOf({ ...placesOf(upstream, store), facilitator: localSetting(devnet.rpcUrl, settlerKey) }),
      );
      return startGatewayProcess(file);
    }),
  );
  const urls = await Promise.all(gateways.map(({ listening }) => listening));
  return {
    upstream,
    settlers,
    prices: await askPrices(urls[0] ?? ''),
    sendCopies: (route, payment) => {
      const copies = Array.from({ length: COPIES }, (_, index) => urls[index % urls.length] ?? '');
      return Promise.all(copies.map((url) => sendPayment(url, route, payment)));
    },
    async close() {
      const codes = await Promise.all(gateways.map((gateway) => gateway.stop()));
      await Promise.all([upstream.close(), store.dispose()]);
      await rm(folder, { recursive: true, force: true });
      return codes;
    },
  };
}

async function sendPayment(url: string, { prefix, method }: PricedRoute, payment: string): Promise<Answer> {
  const body = method === 'POST' ? { body: 'an order' } : {};
  const headers = { Host: HOST, 'PAYMENT-SIGNATURE': payment };
  return await ask(`${url}/${prefix}/one`, { method, headers, ...body });
}

function placesOf(upstream: TestUpstream, store: StorePlace): Omit<Places, 'facilitator'> {
  return {
    listen: '127.0.0.1:0',
    upstream: upstream.url,
    payTo: devnet.accounts.payee.address,
    usdc: devnet.usdc,
    store: store.setting,
  };
}

const noPostgres = await postgresMissing();

describe.each([
  { kind: 'sqlite', size: 1, name: 'one process on SQLite' },
  { kind: 'postgres', size: 3, name: 'three replicas on one Postgres' },
] as const)('$name', ({ kind, size }) => {
  const missing = kind === 'postgres' ? noPostgres : undefined;
  let fleet: Fleet;

  beforeAll(async () => {
    if (missing === undefined) fleet = await startFleet(kind, size);
  });

  afterAll(async () => {
    if (missing === undefined) expect(await fleet.close()).toStrictEqual(Array.from({ length: size }, () => 0));
  });

  it.skipIf(missing !== undefined).each(ROUTES)(
    'serves one of fifty simultaneous copies of a payment: $method, settle $settle, answers kept: $keeps',
    async (route) => {
      const payer = await freshPayer(devnet);
      const price = fleet.prices.get(route.prefix);
      if (price === undefined) throw new Error(`${route.prefix} has no price`);
      const payment = encodePayment(await handSigned(payer.key, price));
      const seenBefore = fleet.upstream.seen.length;
      const answers = await fleet.sendCopies(route, payment);
      const served = answers.filter(({ status }) => status === 200);
      const others = answers.filter((answer) => !served.includes(answer));
      expect(served).toHaveLength(1);
      expect(fleet.upstream.seen).toHaveLength(seenBefore + 1);
      for (const { status, code, headers } of others) {
        expect(status).toBe(409);
        expect(code).toMatch(/^payment_(?:in_progress|already_used)$/);
        // An offer would have a stock client sign, and pay, once more.
        expect(headers['payment-required']).toBeUndefined();
      }
      // A deferred settlement comes after the answer.
      await expect.poll(() => devnet.usdcBalanceOf(payer.address), { timeout: 10_000 }).toBe(1_000_000n - route.amount);
    },
  );

  it.skipIf(missing !== undefined)('sends one transaction for each payment, from whichever account', async () => {
    const client = clientOf(devnet);
    const counts = fleet.settlers.map((address) => client.getTransactionCount({ address, blockTag: 'pending' }));
    expect((await Promise.all(counts)).reduce((sum, count) => sum + count, 0)).toBe(ROUTES.length);
  });
});
