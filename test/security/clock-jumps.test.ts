import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSIWxMessage, encodeSIWxHeader } from '@x402/extensions/sign-in-with-x';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openSqliteLedger } from '../../src/store/sqlite/sqlite-ledger.ts';
import { buyPass } from '../support/access.ts';
import { challengeOf, signFor } from '../support/buyer.ts';
import { type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/** The clock of the gateway jumps: a used sign-in or payment stays used, whatever the clock says. */

const MINUTE = 60_000;
const DAY = 86_400_000;
const CONFIG = `
publicUrl: https://api.example.com
routes:
  - { path: /reports/*, price: $0.001, access: { for: 12h } }
  - { path: /plain/*, price: $0.001 }
`;

let devnet: Devnet;
let upstream: TestUpstream;
let buyer: Payer;
let folder: string;
/** How far the gateway's clock is ahead, in milliseconds. */
let ahead: number;
const clock = (): number => Date.now() + ahead;
/** How often a gateway has deleted old rows. */
let rounds = 0;

beforeAll(async () => {
  [devnet, upstream] = await Promise.all([startDevnet(), startUpstream()]);
  folder = mkdtempSync(join(tmpdir(), 'turnpike-'));
});

afterAll(async () => {
  await Promise.all([devnet.close(), upstream.close()]);
  rmSync(folder, { recursive: true });
});

beforeEach(async () => {
  ahead = 0;
  buyer = await freshPayer(devnet);
});

/** Starts a gateway on a ledger. When it listens, it has done its first round of recovery, which deletes old rows. */
async function start(file: string): Promise<TestGateway> {
  const store = await openSqliteLedger(join(folder, file), { clock });
  const { passes } = store;
  const prunePasses = passes.prunePasses.bind(passes);
  Object.assign(passes, {
    prunePasses: async (...args: Parameters<typeof prunePasses>) => {
      const pruned = await prunePasses(...args);
      rounds += 1;
      return pruned;
    },
  });
  return await startTestGateway(settings(devnet, upstream.url) + CONFIG, { clock, store });
}

function isDeclared(value: unknown): value is { readonly info: Readonly<Record<string, string>> } {
  return value instanceof Object && 'info' in value;
}

async function signIn(url: string): Promise<string> {
  const declared = challengeOf(await fetch(url)).extensions?.['sign-in-with-x'];
  const account = privateKeyToAccount(buyer.key);
  const chain = { chainId: 'eip155:84532', type: 'eip191' as const };
  const info = isDeclared(declared) ? declared.info : {};
  const fields = { ...info, ...chain } as Parameters<typeof createSIWxMessage>[0];
  const signature = await account.signMessage({ message: createSIWxMessage(fields, account.address) });
  return encodeSIWxHeader({ ...fields, address: account.address, signature });
}

async function withSignIn(url: string, header: string): Promise<number> {
  return (await fetch(url, { headers: { 'SIGN-IN-WITH-X': header } })).status;
}

async function pay(url: string, header: string): Promise<Response> {
  return await fetch(url, { headers: { 'PAYMENT-SIGNATURE': header } });
}

async function refusalOf(response: Response): Promise<{ status: number; code: unknown; offer: boolean }> {
  const body: { readonly code?: unknown } = JSON.parse(await response.text());
  return { status: response.status, code: body.code, offer: response.headers.has('payment-required') };
}

const USED = { status: 409, code: 'payment_already_used', offer: false };

describe('a sign-in that was used', () => {
  it('stays used when the clock jumps twenty minutes ahead and comes back', async () => {
    const gateway = await start('sign-in.db');
    const url = `${gateway.url}/reports/1`;
    await buyPass(devnet, buyer, url);
    const header = await signIn(url);
    expect(await withSignIn(url, header)).toBe(200);
    ahead = 20 * MINUTE;
    const before = rounds;
    // The first of these rounds may have begun before the jump.
    await expect.poll(() => rounds, { timeout: 30_000 }).toBeGreaterThan(before + 1);
    ahead = 0;
    expect(await withSignIn(url, header)).toBe(402);
    expect(await withSignIn(url, await signIn(url))).toBe(200);
    await gateway.close();
  });

  it('stays used when a process that began with a wrong clock has forgotten it', async () => {
    const first = await start('forgotten.db');
    const url = `${first.url}/reports/1`;
    await buyPass(devnet, buyer, url);
    const header = await signIn(url);
    expect(await withSignIn(url, header)).toBe(200);
    await first.close();
    ahead = 20 * MINUTE;
    await (await start('forgotten.db')).close();
    ahead = 0;
    const third = await start('forgotten.db');
    expect(await withSignIn(`${third.url}/reports/1`, header)).toBe(402);
    await third.close();
  });
});

describe('a payment that was delivered', () => {
  it.each([
    ['an hour back', -60 * MINUTE],
    ['ten minutes back', -10 * MINUTE],
    ['an hour ahead', 60 * MINUTE],
  ])('is refused as used and gets no offer when the clock goes %s', async (_how, jump) => {
    const gateway = await start('delivered.db');
    const url = `${gateway.url}/plain/1`;
    const header = await signFor(devnet, buyer, url);
    expect((await pay(url, header)).status).toBe(200);
    ahead = jump;
    expect(await refusalOf(await pay(url, header))).toEqual(USED);
    ahead = 0;
    expect(await refusalOf(await pay(url, header))).toEqual(USED);
    await gateway.close();
  });

  it('stays in the books when a process begins with a clock that is years ahead, as after a boot', async () => {
    const first = await start('booted.db');
    const url = `${first.url}/plain/1`;
    expect((await pay(url, await signFor(devnet, buyer, url))).status).toBe(200);
    await first.close();
    ahead = 3650 * DAY;
    await (await start('booted.db')).close();
    ahead = 0;
    const store = await openSqliteLedger(join(folder, 'booted.db'));
    expect((await store.list({}, undefined, 10)).map(({ state }) => state)).toEqual(['delivered']);
    await store.close();
  });

  it('is refused as used after it was forgotten because of a wrong clock', async () => {
    const first = await start('pruned.db');
    const url = `${first.url}/plain/1`;
    const header = await signFor(devnet, buyer, url);
    expect((await pay(url, header)).status).toBe(200);
    await first.close();
    const store = await openSqliteLedger(join(folder, 'pruned.db'));
    expect(await store.prune(Date.now() + 100 * DAY, Math.floor(Date.now() / 1000) + 8_640_000, 10)).toBe(1);
    await store.close();
    const third = await start('pruned.db');
    expect(await refusalOf(await pay(`${third.url}/plain/1`, header))).toEqual(USED);
    await third.close();
  });
});
