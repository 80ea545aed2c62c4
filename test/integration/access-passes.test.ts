import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buyPass, callWith, passOf } from '../support/access.ts';
import { challengeOf, settlementOf, signFor } from '../support/buyer.ts';
import { type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { openAddress } from '../support/navigation.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

let devnet: Devnet;
let upstream: TestUpstream;
let gateway: TestGateway;
let buyer: Payer;
/** Added to the real time by the gateway's clock. */
let ahead = 0;
let answer: Parameters<typeof startUpstream>[0];

beforeAll(async () => {
  [devnet, upstream] = await Promise.all([startDevnet(), startUpstream((req, res) => answer?.(req, res))]);
  gateway = await startTestGateway(
    `${settings(devnet, upstream.url)}
routes:
  - { path: /free, price: free }
  - { path: /reports/*, price: $0.001, access: { for: 1h, requests: 3 } }
  - { path: /hour/:id, price: $0.001, access: { for: 1h } }
  - { path: /count, price: $0.001, access: { requests: 2 } }
  - { path: /before, price: $0.001, settle: before, access: { requests: 2 } }
  - { path: /group/a, price: $0.001, access: { requests: 5, scope: both } }
  - { path: /group/b, price: $0.001, access: { requests: 5, scope: both } }
  - { path: /plain, price: $0.001 }
`,
    { clock: () => Date.now() + ahead },
  );
});

beforeEach(async () => {
  ahead = 0;
  answer = (_req, res) => res.end('here you are');
  buyer = await freshPayer(devnet);
});

afterAll(async () => {
  await gateway.close();
  await Promise.all([devnet.close(), upstream.close()]);
});

async function paidTo(): Promise<bigint> {
  return await devnet.usdcBalanceOf(devnet.accounts.payee.address);
}

describe('a payment on a route with access', () => {
  it('is answered with a token, its expiry and the requests left, in headers, cookie and receipt', async () => {
    const { response, token, setCookie, info } = await buyPass(devnet, buyer, `${gateway.url}/reports/1`);
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('here you are');
    expect(token).toMatch(/^tpk_[\w-]+\.[\w-]{43}$/);
    expect(token.length).toBeLessThan(250);
    expect(response.headers.get('x402-access-remaining')).toBe('3');
    const expires = Date.parse(response.headers.get('x402-access-expires') ?? '');
    expect(Math.abs(expires - Date.now() - 3_600_000)).toBeLessThan(60_000);
    expect(setCookie).toMatch(
      /^turnpike_access=tpk_[\w.-]+; Path=\/reports; Max-Age=\d{4}; HttpOnly; Secure; SameSite=Lax$/,
    );
    expect(setCookie).toContain(token);
    expect(info).toEqual({
      scope: expect.stringContaining('/reports/*'),
      token,
      remaining: 3,
      expiresAt: new Date(expires).toISOString(),
    });
    expect(settlementOf(response).success).toBe(true);
    expect(response.headers.get('cache-control')).toBe('private');
    expect(response.headers.get('vary')?.split(', ')).toEqual(
      expect.arrayContaining(['PAYMENT-SIGNATURE', 'X402-Access-Token', 'Cookie', 'Authorization', 'SIGN-IN-WITH-X']),
    );
  });

  it('buys the configured number of calls after the paid one, for one settlement', async () => {
    const before = await paidTo();
    const { token } = await buyPass(devnet, buyer, `${gateway.url}/reports/1`);
    const rests: (string | null)[] = [];
    for (const path of ['/reports/1', '/reports/2', '/reports']) {
      const response = await callWith(token, gateway.url + path);
      expect(response.status).toBe(200);
      expect(response.headers.get('payment-response')).toBeNull();
      rests.push(response.headers.get('x402-access-remaining'));
    }
    expect(rests).toEqual(['2', '1', '0']);
    const over = await callWith(token, `${gateway.url}/reports/1`);
    expect(over.status).toBe(402);
    expect(challengeOf(over).error).toBe('access_quota_exhausted');
    expect(challengeOf(over).accepts).toHaveLength(1);
    expect(await paidTo()).toBe(before + 1000n);
  });

  it.each([
    ['Sec-Purpose', 'prefetch'],
    ['Sec-Purpose', 'prefetch;prerender'],
    ['Purpose', 'prefetch'],
    ['X-Moz', 'prefetch'],
  ])('spends no call on a page that a browser loads ahead (%s: %s)', async (name, value) => {
    const ahead = async (path: string, cookie: string): Promise<Response> =>
      await openAddress(gateway.url + path, { Cookie: cookie, [name]: value });
    const { cookie } = await buyPass(devnet, buyer, `${gateway.url}/reports/1`);
    expect((await ahead('/reports/1', cookie)).status).toBe(402);
    const opened = await openAddress(`${gateway.url}/reports/1`, { Cookie: cookie });
    expect([opened.status, opened.headers.get('x402-access-remaining')]).toEqual([200, '2']);
    // Of a pass that only time ends, nothing is spent.
    const hour = await buyPass(devnet, buyer, `${gateway.url}/hour/1`);
    expect((await ahead('/hour/1', hour.cookie)).status).toBe(200);
  });

  it('names the payer to the upstream, and hides the token from it', async () => {
    const { token, cookie } = await buyPass(devnet, buyer, `${gateway.url}/reports/1`);
    const seenBefore = upstream.seen.length;
    await callWith(token, `${gateway.url}/reports/a`);
    await fetch(`${gateway.url}/reports/b`, { headers: { authorization: `Bearer ${token}` } });
    await fetch(`${gateway.url}/reports/c`, { headers: { cookie: `a=1;  b="x y"; ${cookie}; c=` } });
    const [byHeader, byBearer, byCookie] = upstream.seen
      .slice(seenBefore)
      .map(({ rawHeaders }) => rawHeaders.join('\n'));
    for (const seen of [byHeader, byBearer, byCookie]) {
      expect(seen).not.toContain('tpk_');
      expect(seen?.toLowerCase()).toContain(`x402-payer\n${buyer.address.toLowerCase()}`);
      expect(seen).toContain('X402-Route\n');
      expect(seen).not.toContain('X402-Amount');
    }
    expect(byBearer?.toLowerCase()).not.toContain('authorization');
    expect(byCookie).toContain('cookie\na=1;  b="x y"; c=');
    expect(JSON.stringify(gateway.log)).not.toContain(token.slice(0, 60));
  });

  it('opens its group and no other route', async () => {
    const { token } = await buyPass(devnet, buyer, `${gateway.url}/group/a`);
    expect((await callWith(token, `${gateway.url}/group/b`)).status).toBe(200);
    for (const path of ['/count', '/reports/1', '/hour/1']) {
      const refused = await callWith(token, gateway.url + path);
      expect(refused.status).toBe(402);
      expect(challengeOf(refused).error).toBe('access_token_invalid');
    }
    const plain = await callWith(token, `${gateway.url}/plain`);
    expect(challengeOf(plain).error).toBe('Payment required');
  });

  it('opens the route for its time and not a moment longer', async () => {
    const { token } = await buyPass(devnet, buyer, `${gateway.url}/hour/1`);
    for (let call = 0; call < 5; call++) expect((await callWith(token, `${gateway.url}/hour/2`)).status).toBe(200);
    ahead = 3_600_000;
    const late = await callWith(token, `${gateway.url}/hour/2`);
    expect(late.status).toBe(402);
    expect(challengeOf(late).error).toBe('access_token_expired');
  });

  it('extends the pass when it is sent with a good token, and is charged', async () => {
    const { token } = await buyPass(devnet, buyer, `${gateway.url}/count`);
    const header = await signFor(devnet, buyer, `${gateway.url}/count`);
    const before = await paidTo();
    const again = await callWith(token, `${gateway.url}/count`, { headers: { 'PAYMENT-SIGNATURE': header } });
    expect(passOf(again).info['remaining']).toBe(4);
    expect(await paidTo()).toBe(before + 1000n);
    for (let call = 0; call < 4; call++) expect((await callWith(token, `${gateway.url}/count`)).status).toBe(200);
    expect((await callWith(token, `${gateway.url}/count`)).status).toBe(402);
  });

  it('is accepted with a token that has run out', async () => {
    const { token } = await buyPass(devnet, buyer, `${gateway.url}/count`);
    for (let call = 0; call < 2; call++) await callWith(token, `${gateway.url}/count`);
    const header = await signFor(devnet, buyer, `${gateway.url}/count`);
    const again = await callWith(token, `${gateway.url}/count`, { headers: { 'PAYMENT-SIGNATURE': header } });
    expect(again.status).toBe(200);
    expect(passOf(again).info['remaining']).toBe(2);
  });
});

describe('a call that a pass opened', () => {
  it('costs nothing when the upstream answers 5xx or not at all', async () => {
    const { token } = await buyPass(devnet, buyer, `${gateway.url}/count`);
    answer = (_req, res) => res.writeHead(503).end();
    expect((await callWith(token, `${gateway.url}/count`)).status).toBe(503);
    answer = (req) => req.socket.destroy();
    expect((await callWith(token, `${gateway.url}/count`)).status).toBe(502);
    answer = (_req, res) => res.writeHead(404).end();
    expect((await callWith(token, `${gateway.url}/count`)).status).toBe(404);
    answer = (_req, res) => res.end();
    expect((await callWith(token, `${gateway.url}/count`)).status).toBe(200);
    expect((await callWith(token, `${gateway.url}/count`)).status).toBe(402);
  });

  it('costs the same as HEAD, and nothing as a preflight', async () => {
    const { token } = await buyPass(devnet, buyer, `${gateway.url}/count`);
    const preflight = { origin: 'https://shop.example', 'access-control-request-method': 'GET' };
    const asked = await callWith(token, `${gateway.url}/count`, { method: 'OPTIONS', headers: preflight });
    expect(asked.status).toBe(204);
    expect(asked.headers.get('access-control-allow-headers')).toContain('X402-Access-Token');
    for (let call = 0; call < 2; call++) {
      expect((await callWith(token, `${gateway.url}/count`, { method: 'HEAD' })).status).toBe(200);
    }
    expect((await callWith(token, `${gateway.url}/count`)).status).toBe(402);
  });

  it('never relays what the upstream says of tokens', async () => {
    const { token } = await buyPass(devnet, buyer, `${gateway.url}/count`);
    answer = (_req, res) => {
      res.setHeader('X402-Access-Token', 'tpk_forged');
      res.setHeader('X402-Access-Remaining', '999');
      res.setHeader('Set-Cookie', ['turnpike_access=tpk_forged', 'session=1']);
      res.end();
    };
    const response = await callWith(token, `${gateway.url}/count`);
    expect(response.headers.get('x402-access-token')).toBeNull();
    expect(response.headers.get('x402-access-remaining')).toBe('1');
    expect(response.headers.getSetCookie()).toEqual(['session=1']);
  });

  it('is counted in metrics and named in the log', async () => {
    const { token } = await buyPass(devnet, buyer, `${gateway.url}/count`);
    await callWith(token, `${gateway.url}/count`);
    const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
    expect(metrics).toMatch(/turnpike_passes_issued_total\{route="\/count"\} [1-9]/);
    expect(metrics).toMatch(/turnpike_pass_requests_total\{route="\/count",outcome="served"\} [1-9]/);
    expect(gateway.log.at(-1)).toMatchObject({
      outcome: 'pass',
      pass: expect.stringMatching(/^[\w-]{22}$/),
      payer: buyer.address.toLowerCase(),
    });
  });
});

describe('settle: before', () => {
  it('sells the pass with an answer of 4xx too, because it was paid for', async () => {
    answer = (_req, res) => res.writeHead(404).end();
    const { response, token } = await buyPass(devnet, buyer, `${gateway.url}/before`);
    expect(response.status).toBe(404);
    answer = (_req, res) => res.end();
    expect((await callWith(token, `${gateway.url}/before`)).status).toBe(200);
  });

  it('hands the pass out with the answer that is collected later', async () => {
    answer = (req) => req.socket.destroy();
    const header = await signFor(devnet, buyer, `${gateway.url}/before`);
    const failed = await fetch(`${gateway.url}/before`, { headers: { 'PAYMENT-SIGNATURE': header } });
    expect(failed.status).toBe(502);
    answer = (_req, res) => res.end();
    const { token, info } = passOf(await fetch(`${gateway.url}/before`, { headers: { 'PAYMENT-SIGNATURE': header } }));
    expect(info['remaining']).toBe(2);
    expect((await callWith(token, `${gateway.url}/before`)).status).toBe(200);
  });
});
