import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openMemoryLedger } from '../../src/store/memory/memory-ledger.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { challengeOf, settlementOf, signFor } from '../support/buyer.ts';
import { type Devnet, freshPayer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { exchangeRaw } from '../support/raw-http.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/** Customers who are known, and pay elsewhere. */

const KEY = 'k3y-of-acme-0123456789abcdef';
const OTHER = 'k3y-of-other-0123456789abcdef';
const hashOf = (key: string): string => createHash('sha256').update(key).digest('hex');

let devnet: Devnet;
let upstream: TestUpstream;
let gateway: TestGateway;
let store: PaymentStore;
let status: number;
/** Headers as the API got them. */
let seen: IncomingMessage['headers'][];

beforeAll(async () => {
  const served = (req: IncomingMessage, res: ServerResponse) => {
    req.resume();
    seen.push(req.headers);
    res.writeHead(status).end('news');
  };
  [devnet, upstream] = await Promise.all([startDevnet(), startUpstream(served)]);
});

afterAll(async () => await Promise.all([devnet.close(), upstream.close()]));

beforeEach(async () => {
  seen = [];
  status = 200;
  store = openMemoryLedger();
  const sha256 = JSON.stringify(`# customers\n${hashOf(KEY)}  ACME\n\n${hashOf(OTHER).toUpperCase()}\n`);
  gateway = await startTestGateway(
    `${settings(devnet, upstream.url)}
routes:
  - { path: /all, price: $0.001, keys: { header: X-Api-Key, sha256: ${sha256} } }
  - { path: /some, price: $0.001, keys: { header: X-Api-Key, sha256: ${sha256}, requests: 2, per: 3000d, forward: off } }
  - { path: /bearer, price: $0.001, keys: { header: Authorization, sha256: ${sha256} } }
  - path: /parts
    keys: { header: X-Api-Key, sha256: ${sha256}, forward: off }
    prices: [{ when: { query: { gift: present } }, price: free }, { price: $0.001 }]
`,
    { store },
  );
});

afterEach(async () => await gateway.close());

const ask = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(gateway.url + path, { headers });

describe('a request with the key of a known customer', () => {
  it('is served without a payment, and the API is told the label and gets the key', async () => {
    const got = await ask('/all', { 'X-Api-Key': KEY, 'X402-Customer': 'somebody', 'X402-Payer': 'somebody' });
    expect([got.status, await got.text(), got.headers.get('payment-response')]).toEqual([200, 'news', null]);
    const [headers] = seen;
    expect([headers?.['x-api-key'], headers?.['x402-customer'], headers?.['x402-payer']]).toEqual([
      KEY,
      'ACME',
      undefined,
    ]);
    expect(gateway.log.at(-1)).toMatchObject({ outcome: 'key', status: 200 });
    expect((await ask('/all', { 'X-Api-Key': OTHER })).status).toBe(200);
    expect(seen[1]?.['x402-customer']).toBeUndefined();
  });

  it('may send the key as a Bearer token', async () => {
    expect((await ask('/bearer', { Authorization: `Bearer ${KEY}` })).status).toBe(200);
    expect((await ask('/bearer', { Authorization: KEY })).status).toBe(200);
    expect((await ask('/bearer', { Authorization: `Basic ${KEY}` })).status).toBe(402);
  });

  it('is served as often as the file says and then gets a 402, whatever other keys have used', async () => {
    const left: (string | null)[] = [];
    for (let count = 0; count < 3; count += 1) {
      const got = await ask('/some', { 'X-Api-Key': KEY });
      left.push(`${got.status} ${got.headers.get('ratelimit')?.split(';t')[0]}`);
    }
    expect(left).toEqual(['200 "key";r=1', '200 "key";r=0', '402 "key";r=0']);
    expect((await ask('/some', { 'X-Api-Key': OTHER })).status).toBe(200);
  });

  it('uses up nothing when the API fails', async () => {
    status = 500;
    for (let count = 0; count < 4; count += 1) expect((await ask('/some', { 'X-Api-Key': KEY })).status).toBe(500);
  });

  it('gets a 402 while the store is away if its key is counted, and is served if not', async () => {
    await store.close();
    expect((await ask('/some', { 'X-Api-Key': KEY })).status).toBe(402);
    expect((await ask('/all', { 'X-Api-Key': KEY })).status).toBe(200);
  });

  it('is charged when it brings a payment', async () => {
    const buyer = await freshPayer(devnet);
    const header = await signFor(devnet, buyer, `${gateway.url}/some`);
    const paid = await ask('/some', { 'X-Api-Key': KEY, 'PAYMENT-SIGNATURE': header });
    expect(settlementOf(paid).success).toBe(true);
    expect(seen[0]?.['x402-customer']).toBeUndefined();
  });
});

describe('an invalid key', () => {
  it.each([
    '',
    'wrong',
    KEY.toUpperCase(),
    `${KEY}x`,
    hashOf(KEY),
    `${KEY}, ${KEY}`,
  ])('leads to the price: %j', async (key) => {
    const got = await ask('/all', { 'X-Api-Key': key });
    expect([got.status, challengeOf(got).accepts.length, seen.length]).toEqual([402, 1, 0]);
  });

  it('is also a key that is sent twice, in whatever spelling', async () => {
    for (const second of ['X-Api-Key', 'x-api-key', 'X_Api_Key']) {
      const answer = await exchangeRaw(
        Number(new URL(gateway.url).port),
        `GET /all HTTP/1.1\r\nHost: gw\r\nX-Api-Key: ${KEY}\r\n${second}: ${KEY}\r\nConnection: close\r\n\r\n`,
      );
      expect(answer.statusLine).toContain(' 402 ');
    }
  });

  it('never appears in the log, nor does a valid one', async () => {
    await ask('/all', { 'X-Api-Key': KEY });
    await ask('/all', { 'X-Api-Key': 'a-wrong-key-of-somebody' });
    const log = JSON.stringify(gateway.log);
    for (const secret of [KEY, hashOf(KEY), 'a-wrong-key-of-somebody']) expect(log).not.toContain(secret);
  });
});

describe('a key that the API shall not see', () => {
  it('is taken away, on paid, free and wrong requests of the route alike', async () => {
    await ask('/some', { 'X-Api-Key': KEY });
    await ask('/parts?gift=1', { 'X-Api-Key': KEY });
    await ask('/parts?gift=1', { X_Api_Key: KEY });
    expect(seen).toHaveLength(3);
    for (const headers of seen) expect(JSON.stringify(headers)).not.toContain(KEY);
  });
});
