import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openMemoryLedger } from '../../src/store/memory/memory-ledger.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { buyPass } from '../support/access.ts';
import { challengeOf, settlementOf } from '../support/buyer.ts';
import { type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { settings } from '../support/settings.ts';
import { declaredAt, signInFor, signingInFetch } from '../support/sign-in.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/** Requests that cost an account nothing until it has used up what it gets: `free` by payer. */

const DAY_MS = 86_400_000;
const KEY = 'k3y-of-acme-0123456789abcdef';

let devnet: Devnet;
let upstream: TestUpstream;
let buyer: Payer;
let gateway: TestGateway;
let store: PaymentStore;
let now: number;
let answer: (req: IncomingMessage, res: ServerResponse) => void;

beforeAll(async () => {
  const served = (req: IncomingMessage, res: ServerResponse) => {
    req.resume();
    answer(req, res);
  };
  [devnet, upstream] = await Promise.all([startDevnet(), startUpstream(served)]);
});

afterAll(async () => {
  await Promise.all([devnet.close(), upstream.close()]);
});

beforeEach(async () => {
  now = Date.now();
  answer = (_, res) => res.end('news');
  store = openMemoryLedger(() => now);
  buyer = await freshPayer(devnet);
  const hash = createHash('sha256').update(KEY).digest('hex');
  gateway = await startTestGateway(
    `${settings(devnet, upstream.url)}
trustedProxies: [127.0.0.1]
routes:
  - { path: /news/*, price: $0.001, free: { requests: 3, per: day, by: payer } }
  - { path: /other, price: $0.001, free: { requests: 1, per: 3000d, by: payer } }
  - path: /rpc
    free: { requests: 1, per: 3000d, by: payer }
    prices: [{ when: { jsonrpc: "*" }, price: $0.001 }]
  - { path: /passes, price: $0.001, access: { requests: 1 }, free: { requests: 1, per: 3000d, by: payer } }
  - path: /keys
    price: $0.001
    keys: { header: X-Api-Key, sha256: ${hash}, requests: 1, per: 3000d }
    free: { requests: 1, per: 3000d, by: payer }
`,
    { store, clock: () => now },
  );
});

afterEach(async () => await gateway.close());

const urlOf = (path: string): string => gateway.url + path;

async function send(path: string, header: string, init: RequestInit = {}): Promise<Response> {
  return await fetch(urlOf(path), { ...init, headers: { ...init.headers, 'SIGN-IN-WITH-X': header } });
}

/** Signs in anew for a request. */
async function ask(path: string, payer = buyer, init: RequestInit = {}): Promise<Response> {
  return await send(path, await signInFor(payer, urlOf(path)), init);
}

async function statuses(count: number, path: string, payer = buyer): Promise<number[]> {
  const answers: number[] = [];
  for (let index = 0; index < count; index += 1) answers.push((await ask(path, payer)).status);
  return answers;
}

/** The same sign-in with the name of another account. */
function named(header: string, { address }: Payer): string {
  const signIn: object = JSON.parse(Buffer.from(header, 'base64').toString());
  return Buffer.from(JSON.stringify({ ...signIn, address })).toString('base64');
}

describe('an account with free requests left', () => {
  it('is served without a payment, and told how many are left and when there are more', async () => {
    const got = await ask('/news/1');
    expect([got.status, await got.text(), got.headers.get('payment-response')]).toEqual([200, 'news', null]);
    expect(got.headers.get('ratelimit-policy')).toBe('"free";q=3;w=86400');
    const [, left, seconds] = /^"free";r=(\d+);t=(\d+)$/.exec(got.headers.get('ratelimit') ?? '') ?? [];
    expect([left, Number(seconds)]).toEqual(['2', Math.ceil((DAY_MS - (now % DAY_MS)) / 1000)]);
    expect(got.headers.get('cache-control')).toContain('private');
    expect(gateway.log.at(-1)).toMatchObject({ outcome: 'free_quota', payer: buyer.address.toLowerCase() });
  });

  it('is asked for money when it has used them up, and has them again in the next period', async () => {
    expect(await statuses(4, '/news/1')).toEqual([200, 200, 200, 402]);
    const refused = await ask('/news/2');
    expect([refused.status, challengeOf(refused).accepts.length]).toEqual([402, 1]);
    expect(refused.headers.get('ratelimit')).toMatch(/^"free";r=0;t=\d+$/);
    now += DAY_MS;
    expect(await statuses(1, '/news/1')).toEqual([200]);
  });

  it('has one quota whatever its IP address, and another account has its own', async () => {
    const from = (address: string) => ask('/other', buyer, { headers: { 'X-Forwarded-For': address } });
    expect([(await from('192.0.2.1')).status, (await from('192.0.2.2')).status]).toEqual([200, 402]);
    expect(await statuses(2, '/other', await freshPayer(devnet))).toEqual([200, 402]);
  });

  it('uses them and then pays with the official client, which knows nothing of them', async () => {
    const call = signingInFetch(buyer);
    const before = await devnet.usdcBalanceOf(buyer.address);
    for (let count = 0; count < 3; count += 1) {
      expect((await call(urlOf('/news/1'))).headers.get('payment-response')).toBeNull();
    }
    expect(settlementOf(await call(urlOf('/news/1'))).success).toBe(true);
    expect(await devnet.usdcBalanceOf(buyer.address)).toBe(before - 1000n);
  });

  it('is told to the API without a payer', async () => {
    let seen: IncomingMessage['headers'] = {};
    answer = (req, res) => {
      seen = req.headers;
      res.end();
    };
    await ask('/other', buyer, { headers: { 'X402-Payer': 'somebody' } });
    expect([seen['x402-payer'], seen['x402-route'], seen['sign-in-with-x']]).toEqual([undefined, '/other', undefined]);
  });

  it('keeps its request where the API fails', async () => {
    answer = (_, res) => res.writeHead(503).end();
    expect(await statuses(3, '/other')).toEqual([503, 503, 503]);
    answer = (_, res) => res.end();
    expect(await statuses(2, '/other')).toEqual([200, 402]);
  });

  it('gets no free batch: the 402 of a batch declares no sign-in', async () => {
    const call = { jsonrpc: '2.0', id: 1, method: 'a' };
    const post = (body: unknown): RequestInit => ({ method: 'POST', body: JSON.stringify(body) });
    const batch = await fetch(urlOf('/rpc'), post([call, call]));
    expect(challengeOf(batch).extensions?.['sign-in-with-x']).toBeUndefined();
    const header = await signInFor(buyer, urlOf('/rpc'));
    expect((await send('/rpc', header, post([call, call]))).status).toBe(402);
    expect((await send('/rpc', header, post(call))).status).toBe(200);
  });
});

describe('a client that does not sign in', () => {
  it('gets a 402 that names the free requests and how to sign in for them', async () => {
    const got = await fetch(urlOf('/news/1'));
    expect([got.status, got.headers.get('ratelimit-policy'), got.headers.get('ratelimit')]).toEqual([
      402,
      '"free";q=3;w=86400',
      null,
    ]);
    const { info } = await declaredAt(urlOf('/news/1'));
    expect(info).toMatchObject({ uri: urlOf('/news'), statement: 'Sign in to use the free requests of this account.' });
  });

  it('uses up no request of an account with a refused sign-in', async () => {
    const stranger = await freshPayer(devnet);
    const seen = upstream.seen.length;
    const wrong = [
      named(await signInFor(stranger, urlOf('/news/1')), buyer),
      await signInFor(buyer, urlOf('/news/1'), { domain: 'evil.example' }),
      await signInFor(buyer, urlOf('/news/1'), { nonce: '0'.repeat(64) }),
      await signInFor(buyer, urlOf('/other'), { uri: urlOf('/news') }),
      'x',
    ];
    for (const header of wrong) expect((await send('/news/1', header)).status).toBe(402);
    expect(upstream.seen).toHaveLength(seen);
    expect(await statuses(4, '/news/1')).toEqual([200, 200, 200, 402]);
  });

  it('is not told what to sign for another site', async () => {
    await expect(declaredAt(urlOf('/news/1'), { headers: { 'X-Forwarded-Host': 'evil.example' } })).rejects.toThrow(
      'no sign-in is declared',
    );
  });
});

describe('a sign-in for a free request', () => {
  it('is accepted once, of fifty copies at once', async () => {
    const header = await signInFor(buyer, urlOf('/news/1'));
    const answers = await Promise.all(Array.from({ length: 50 }, () => send('/news/1', header)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(challengeOf(await send('/news/1', header)).error).toBe('invalid_siwx_nonce');
    expect(await statuses(3, '/news/1')).toEqual([200, 200, 402]);
  });

  it('opens a pass of the account first, where there is one, and then a free request', async () => {
    await buyPass(devnet, buyer, urlOf('/passes'));
    const opened = [];
    for (let count = 0; count < 3; count += 1) {
      const got = await ask('/passes');
      opened.push([got.status, got.headers.get('x402-access-remaining'), got.headers.get('ratelimit')?.split(';t')[0]]);
    }
    expect(opened).toEqual([
      [200, '0', undefined],
      [200, null, '"free";r=0'],
      [402, null, '"free";r=0'],
    ]);
  });

  it('opens a free request when the key beside it is used up, and the answer states both quotas', async () => {
    const key = { headers: { 'X-Api-Key': KEY } };
    expect((await fetch(urlOf('/keys'), key)).headers.get('ratelimit')).toMatch(/^"key";r=0/);
    const unsigned = await fetch(urlOf('/keys'), key);
    expect(unsigned.headers.get('ratelimit-policy')).toMatch(/^"key";q=1;w=\d+, "free";q=1;w=\d+$/);
    const signed = await ask('/keys', buyer, key);
    expect([signed.status, signed.headers.get('ratelimit')]).toEqual([
      200,
      expect.stringMatching(/^"free";r=0;t=\d+$/),
    ]);
    const used = await ask('/keys', buyer, key);
    expect([used.status, used.headers.get('ratelimit')]).toEqual([
      402,
      expect.stringMatching(/^"key";r=0;t=\d+, "free";r=0;t=\d+$/),
    ]);
  });

  it('opens nothing while the store is away: the price is stated', async () => {
    const header = await signInFor(buyer, urlOf('/news/1'));
    await store.close();
    const got = await send('/news/1', header);
    expect([got.status, challengeOf(got).accepts.length]).toEqual([402, 1]);
  });
});
