import { createHmac, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buyPass, callWith } from '../support/access.ts';
import { challengeOf } from '../support/buyer.ts';
import { type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { exchangeRaw } from '../support/raw-http.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

const OLD_KEY = randomBytes(32).toString('hex');
const NEW_KEY = randomBytes(32).toString('hex');

let devnet: Devnet;
let upstream: TestUpstream;
let gateway: TestGateway;
let buyer: Payer;
let ahead = 0;
/** A good token of `/reports/*`. */
let token: string;

beforeAll(async () => {
  [devnet, upstream] = await Promise.all([startDevnet(), startUpstream()]);
  gateway = await open(`accessTokens: { keys: ["${NEW_KEY}"] }`);
  buyer = await freshPayer(devnet);
  ({ token } = await buyPass(devnet, buyer, `${gateway.url}/reports/1`));
});

afterAll(async () => {
  await gateway.close();
  await Promise.all([devnet.close(), upstream.close()]);
});

async function open(top: string): Promise<TestGateway> {
  return await startTestGateway(
    `${settings(devnet, upstream.url)}
${top}
routes:
  - { path: /reports/*, price: $0.001, access: { for: 1h, requests: 50 } }
  - { path: /reports-gold/*, price: $0.002, access: { for: 1h, requests: 50 } }
  - { path: /maps, price: $0.001, access: { requests: 50, scope: geo } }
  - { path: /geo, price: $0.001, access: { requests: 50, scope: geo } }
`,
    { clock: () => Date.now() + ahead },
  );
}

/** The request never reaches the upstream, and is refused with this status and reason. */
async function expectRefused(answer: Promise<Response>, status: 400 | 402, reason: string): Promise<void> {
  const seen = upstream.seen.length;
  const response = await answer;
  expect(response.status).toBe(status);
  expect(challengeOf(response).error).toBe(reason);
  await response.arrayBuffer();
  expect(upstream.seen).toHaveLength(seen);
}

function payloadOf(text: string): Buffer {
  return Buffer.from(text.slice(4).split('.', 1)[0] ?? '', 'base64url');
}

describe('a stolen, altered or made-up token', () => {
  it('opens its own route while it is unchanged', async () => {
    expect((await callWith(token, `${gateway.url}/reports/1`)).status).toBe(200);
  });

  it.each(['/reports-gold/1', '/maps', '/geo'])('does not open another route or group: %s', async (path) => {
    await expectRefused(callWith(token, gateway.url + path), 402, 'access_token_invalid');
  });

  it.each([
    ['cut by one', (good: string) => good.slice(0, -1), 400],
    ['cut to its payload', (good: string) => good.slice(0, good.indexOf('.')), 400],
    ['with an empty signature', (good: string) => `${good.slice(0, good.indexOf('.'))}.`, 400],
    ['with padding', (good: string) => `${good}=`, 400],
    ['with another prefix', (good: string) => good.replace('tpk_', 'TPK_'), 400],
    ['with an inner blank', (good: string) => good.replace('.', ' .'), 400],
    ['as a JSON web token without algorithm', () => 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.', 400],
    ['as a JSON web token with our prefix', () => 'tpk_eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.', 400],
    ['of ten thousand characters', () => `tpk_${'A'.repeat(10_000)}`, 400],
    ['empty', () => '', 400],
    ['with a changed signature', (good: string) => `${good.slice(0, -6)}AAAAAA`.replace(/.$/, 'A'), 402],
  ] as const)('is refused %s', async (_what, change, status) => {
    const reason = status === 400 ? 'access_token_malformed' : 'access_token_invalid';
    await expectRefused(callWith(change(token), `${gateway.url}/reports/1`), status, reason);
  });

  it('is refused with any byte of its payload changed', async () => {
    const mac = token.slice(token.indexOf('.'));
    for (let at = 0; at < payloadOf(token).length; at += 3) {
      const payload = payloadOf(token);
      payload.writeUInt8((payload[at] ?? 0) ^ 1, at);
      const response = await callWith(`tpk_${payload.toString('base64url')}${mac}`, `${gateway.url}/reports/1`);
      expect([400, 402]).toContain(response.status);
    }
  });

  it('is refused when it is signed with its own key id, an empty key, or nothing but a hash', async () => {
    const payload = payloadOf(token);
    const keyId = payload.subarray(1, 7);
    for (const key of [keyId, Buffer.alloc(0), Buffer.alloc(32), Buffer.from(NEW_KEY), Buffer.from(NEW_KEY, 'hex')]) {
      const mac = createHmac('sha256', key).update(payload).digest('base64url');
      const forged = `tpk_${payload.toString('base64url')}.${mac}`;
      await expectRefused(callWith(forged, `${gateway.url}/reports/1`), 402, 'access_token_invalid');
    }
  });

  it('is refused when its time is over', async () => {
    ahead = 3_600_001;
    await expectRefused(callWith(token, `${gateway.url}/reports/1`), 402, 'access_token_expired');
    ahead = 0;
  });

  it('is refused next to a different token, and accepted next to its own copy', async () => {
    const { token: other } = await buyPass(devnet, buyer, `${gateway.url}/maps`);
    const twice = { headers: { authorization: `Bearer ${other}` } };
    await expectRefused(callWith(token, `${gateway.url}/reports/1`, twice), 400, 'access_token_malformed');
    const copy = await callWith(token, `${gateway.url}/reports/1`, { headers: { authorization: `Bearer ${token}` } });
    expect(copy.status).toBe(200);
  });

  it('is refused when a repeated header holds two different values', async () => {
    const seen = upstream.seen.length;
    const answer = await exchangeRaw(
      Number(new URL(gateway.url).port),
      `GET /reports/1 HTTP/1.1\r\nHost: 127.0.0.1\r\nX402-Access-Token: ${token}\r\nX402-Access-Token: tpk_x\r\nConnection: close\r\n\r\n`,
    );
    expect(answer.statusLine).toContain(' 400 ');
    expect(upstream.seen).toHaveLength(seen);
  });
});

describe('a token in the wrong place', () => {
  it('is not read from a query, a body or a header of another name', async () => {
    const url = `${gateway.url}/reports/1?x402-access-token=${token}&access_token=${token}&turnpike_access=${token}`;
    await expectRefused(fetch(url), 402, 'Payment required');
    for (const name of ['x402_access_token', 'x-access-token', 'proxy-authorization', 'x-authorization']) {
      const headers = { [name]: name.endsWith('authorization') ? `Bearer ${token}` : token };
      await expectRefused(fetch(`${gateway.url}/reports/1`, { headers }), 402, 'Payment required');
    }
    await expectRefused(fetch(`${gateway.url}/reports/1`, { method: 'POST', body: token }), 402, 'Payment required');
  });

  it('opens no sibling path as a cookie, and nothing as a cookie of another name', async () => {
    for (const name of ['turnpike_access', '__Secure-turnpike_access']) {
      const headers = { cookie: `${name}=${token}` };
      expect((await fetch(`${gateway.url}/reports/1`, { headers })).status).toBe(200);
      await expectRefused(fetch(`${gateway.url}/reports-gold/1`, { headers }), 402, 'access_token_invalid');
    }
    const other = { headers: { cookie: `Turnpike_Access=${token}; my_turnpike_access=${token}` } };
    await expectRefused(fetch(`${gateway.url}/reports/1`, other), 402, 'Payment required');
  });

  it('is found among several cookies of its name, and a cookie that is no token is ignored', async () => {
    const broken = { headers: { cookie: 'turnpike_access=nonsense' } };
    await expectRefused(fetch(`${gateway.url}/reports/1`, broken), 402, 'Payment required');
    const { token: maps } = await buyPass(devnet, buyer, `${gateway.url}/maps`);
    const several = { headers: { cookie: `turnpike_access=${maps}; turnpike_access=x; turnpike_access=${token}` } };
    expect((await fetch(`${gateway.url}/reports/1`, several)).status).toBe(200);
  });
});

describe('paths beside the one that was bought', () => {
  it.each([
    ['/Reports/1', 404],
    ['/REPORTS/1', 404],
    ['/reports//1', 400],
    ['/reports/../reports-gold/1', 400],
    ['/reports/%2e%2e/reports-gold/1', 400],
    ['/reports/..%2freports-gold/1', 400],
    ['/reports%2f1', 400],
    ['/reports;/1', 400],
    ['/reports\\1', 400],
    ['/reports-gold/1', 402],
    ['/r%65ports-gold/1', 402],
    ['//reports/1', 400],
  ])('are not opened: %s', async (path, status) => {
    const seen = upstream.seen.length;
    const answer = await exchangeRaw(
      Number(new URL(gateway.url).port),
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX402-Access-Token: ${token}\r\nConnection: close\r\n\r\n`,
    );
    expect(answer.statusLine).toContain(` ${status} `);
    expect(upstream.seen).toHaveLength(seen);
  });
});

describe('keys', () => {
  it('of another gateway make no token valid here', async () => {
    const other = await open('');
    try {
      const { token: foreign } = await buyPass(devnet, buyer, `${other.url}/reports/1`);
      await expectRefused(callWith(foreign, `${gateway.url}/reports/1`), 402, 'access_token_invalid');
      await expectRefused(callWith(token, `${other.url}/reports/1`), 402, 'access_token_invalid');
    } finally {
      await other.close();
    }
  });

  it('accept old tokens until they are removed from the configuration', async () => {
    const before = await open(`accessTokens: { keys: ["${OLD_KEY}"] }`);
    try {
      const { token: old } = await buyPass(devnet, buyer, `${before.url}/reports/1`);
      await before.reload(
        { ...before.plan, accessTokens: { ...before.plan.accessTokens, keys: keys(NEW_KEY, OLD_KEY) } },
        new Map(),
      );
      expect((await callWith(old, `${before.url}/reports/1`)).status).toBe(200);
      await before.reload(
        { ...before.plan, accessTokens: { ...before.plan.accessTokens, keys: keys(NEW_KEY) } },
        new Map(),
      );
      await expectRefused(callWith(old, `${before.url}/reports/1`), 402, 'access_token_invalid');
    } finally {
      await before.close();
    }
  });
});

function keys(...hex: readonly string[]): readonly string[] {
  return hex.map((key) => Buffer.from(key, 'hex').toString('base64url'));
}
