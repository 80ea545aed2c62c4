import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PaymentRecord } from '../../src/domain/payment-record.ts';
import { openMemoryLedger } from '../../src/store/memory/memory-ledger.ts';
import { isStorable } from '../security/storability.ts';
import { challengeOf, settlementOf, signFor, stockFetch } from '../support/buyer.ts';
import { type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { findNginx, type Nginx, startNginx } from '../support/nginx.ts';
import { exchangeRaw } from '../support/raw-http.ts';
import { startScriptedFacilitator } from '../support/scripted-facilitator.ts';
import { type FacilitatorSetting, settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/** Proxies that forward themselves, and ask the gateway whether a request may pass. */

const executable = findNginx();
const why = executable === undefined ? ' (skipped: there is no nginx on this machine)' : '';

const PROXIES = ['nginx', 'traefik', 'caddy', 'envoy'] as const;
type Proxy = (typeof PROXIES)[number];

let devnet: Devnet;
let buyer: Payer;

beforeAll(async () => {
  devnet = await startDevnet();
  buyer = await freshPayer(devnet);
});
afterAll(() => devnet.close());

/** A gateway that is asked, with its ledger. */
interface Asked {
  readonly gateway: TestGateway;
  readonly rows: () => Promise<readonly PaymentRecord[]>;
}

/** How a gateway that is asked is set up, where a test needs another one. */
interface Setup {
  readonly facilitator?: FacilitatorSetting;
  readonly trusted?: string;
  readonly cors?: string;
}

async function startAsked(
  proxy: Proxy,
  { facilitator, trusted = '127.0.0.1', cors = 'gateway' }: Setup = {},
): Promise<Asked> {
  const store = openMemoryLedger();
  const gateway = await startTestGateway(
    `${settings(devnet, '', facilitator).replace(/^upstream:.*\n/, '')}
authz: ${proxy}
trustedProxies: [${trusted}]
settle: before
cors: ${cors}
routes:
  - { path: /free, price: free }
  - { path: /data, price: $0.001 }
  - { path: /day, price: $0.001, access: { for: 1d } }
  - { path: /own, host: shop.example.com, price: free }
`,
    { store },
  );
  return { gateway, rows: () => store.list({}, undefined, 10) };
}

/** A question as a proxy asks it. */
function question(proxy: Proxy, path: string, method = 'GET'): readonly [path: string, init: RequestInit] {
  const kind = proxy === 'nginx' ? 'Original' : 'Forwarded';
  const target = proxy === 'nginx' ? 'URI' : 'Uri';
  if (proxy === 'envoy') return [path, { method }];
  return ['/ask', { headers: { [`X-${kind}-Method`]: method, [`X-${kind}-${target}`]: path } }];
}

async function paidTo(): Promise<bigint> {
  return await devnet.usdcBalanceOf(devnet.accounts.payee.address);
}

describe.each(PROXIES)('a question of %s', (proxy) => {
  let asked: Asked;
  beforeAll(async () => {
    asked = await startAsked(proxy);
  });
  afterAll(() => asked.gateway.close());

  async function ask(path: string, more: Record<string, string> = {}, method = 'GET'): Promise<Response> {
    const [at, { headers, ...init }] = question(proxy, path, method);
    return await fetch(asked.gateway.url + at, { ...init, headers: { ...headers, ...more } });
  }

  async function sign(path: string): Promise<string> {
    const [at, init] = question(proxy, path);
    return await signFor(devnet, buyer, asked.gateway.url + at, init);
  }

  /** To nginx, which relays no status, it is told in a field. */
  function statusOf(response: Response): number {
    if (proxy !== 'nginx') return response.status;
    expect(response.status).toBe(401);
    return Number(response.headers.get('x402-status'));
  }

  it('gets a yes for what is free, and a no for what has no route', async () => {
    const free = await ask('/free?a=b');
    expect([free.status, await free.text()]).toEqual([200, '']);
    const none = await ask('/other');
    expect([statusOf(none), await none.json()]).toEqual([404, expect.objectContaining({ code: 'route_not_found' })]);
    expect(statusOf(await ask('/free%2f..%2fdata'))).toBe(400);
  });

  it('gets a yes once its payment is settled, once; the row says that nobody saw a delivery', async () => {
    const before = await paidTo();
    const unpaid = await ask('/data');
    expect([statusOf(unpaid), challengeOf(unpaid).accepts[0]?.amount]).toEqual([402, '1000']);
    const payment = { 'PAYMENT-SIGNATURE': await sign('/data') };
    const paid = await ask('/data', payment);
    expect([paid.status, await paid.text(), settlementOf(paid).success]).toEqual([200, '', true]);
    expect(paid.headers.get('x402-payer')?.toLowerCase()).toBe(buyer.address.toLowerCase());
    expect(paid.headers.get('x402-amount')).toBe('1000');
    expect(await paidTo()).toBe(before + 1000n);
    await expect
      .poll(asked.rows)
      .toMatchObject([
        { state: 'delivery_unknown', resolution: { note: expect.stringContaining('the proxy that asked') } },
      ]);
    const again = await ask('/data', payment);
    expect([statusOf(again), again.headers.has('payment-required')]).toEqual([409, false]);
    expect(settlementOf(again).success).toBe(true);
    expect(await again.json()).toMatchObject({ code: 'delivery_unknown' });
    expect(await paidTo()).toBe(before + 1000n);
  });

  it('gets a yes for the token of a pass, and a no for a forged one', async () => {
    const bought = await ask('/day', { 'PAYMENT-SIGNATURE': await sign('/day') });
    const token = bought.headers.get('x402-access-token') ?? '';
    const passed = await ask('/day', { 'X402-Access-Token': token });
    expect([passed.status, passed.headers.get('x402-route')]).toEqual([200, '/day']);
    expect(statusOf(await ask('/day', { 'X402-Access-Token': `${token.slice(0, -2)}zz` }))).toBe(400);
  });

  it('gets no yes from an answer to another question, such as that to a preflight', async () => {
    const preflight = { Origin: 'https://shop.example', 'Access-Control-Request-Method': 'GET' };
    const answer = await ask('/data', preflight, 'OPTIONS');
    // Envoy takes 200 alone for a yes, and relays every other answer.
    expect(statusOf(answer)).toBe(proxy === 'envoy' ? 204 : 403);
  });
});

describe('a question', () => {
  let asked: Asked;
  beforeAll(async () => {
    asked = await startAsked('traefik');
  });
  afterAll(() => asked.gateway.close());

  const METHOD = ['X-Forwarded-Method', 'GET'] as const;
  const FREE = ['X-Forwarded-Uri', '/free'] as const;

  it.each([
    ['its own method does not count', 'yes', [METHOD, FREE]],
    ["the fields of other proxies are the client's", 'yes', [METHOD, FREE, ['X-Original-URI', '/data']]],
    ['only the fields of its proxy count', 'request_malformed', [METHOD, ['X-Original-URI', '/free']]],
    ['without a target', 'request_malformed', [METHOD]],
    ['without a method', 'request_malformed', [FREE]],
    ['with two targets in one field', 'request_target_invalid', [METHOD, FREE, ['X-Forwarded-Uri', '/data']]],
    ['with a method that is never forwarded', 'method_not_allowed', [['X-Forwarded-Method', 'TRACE'], FREE]],
    ['with a path of two readings', 'request_target_invalid', [METHOD, ['X-Forwarded-Uri', '/free/../data']]],
    ['for another host than that of the route', 'route_not_found', [METHOD, ['X-Forwarded-Uri', '/own']]],
    [
      'for the host that its proxy states',
      'yes',
      [METHOD, ['X-Forwarded-Uri', '/own'], ['X-Forwarded-Host', 'shop.example.com']],
    ],
  ] as const)('names one request: %s', async (_case, expected, fields) => {
    const headers = new Headers();
    for (const [name, value] of fields) headers.append(name, value);
    const response = await fetch(asked.gateway.url, { method: 'POST', body: 'not shown', headers });
    const said = response.status === 200 ? 'yes' : ((await response.json()) as { readonly code: unknown }).code;
    expect(said).toBe(expected);
  });

  it.each([
    'X402-Payer',
    'X402.Payer',
    'X402_Amount',
    'X402-Something-New',
  ])('gets a no where a client says what the API believes of the gateway: %s', async (name) => {
    const refused = await fetch(asked.gateway.url, { headers: [[...METHOD], [...FREE], [name, '0x1']] });
    expect([refused.status, await refused.json()]).toEqual([
      400,
      expect.objectContaining({ code: 'request_malformed' }),
    ]);
  });

  it('about a preflight that the API answers gets a yes', async () => {
    const { gateway } = await startAsked('traefik', { cors: 'api' });
    const [at, { headers }] = question('traefik', '/data', 'OPTIONS');
    const preflight = { Origin: 'https://shop.example', 'Access-Control-Request-Method': 'GET' };
    const answer = await fetch(gateway.url + at, { headers: { ...headers, ...preflight } });
    expect([answer.status, answer.headers.has('access-control-allow-origin')]).toEqual([200, false]);
    await gateway.close();
  });

  it('of anybody but a trusted proxy is refused', async () => {
    const { gateway } = await startAsked('traefik', { trusted: '10.0.0.1' });
    const refused = await fetch(gateway.url, { headers: [[...METHOD], [...FREE]] });
    expect([refused.status, await refused.json()]).toEqual([
      400,
      expect.objectContaining({ code: 'request_malformed' }),
    ]);
    await gateway.close();
  });
});

/** The connections that are open, in the metrics. */
const OPEN = /^turnpike_connections_open (\d+)$/m;

describe('a proxy that leaves while the money moves', () => {
  it('can get the yes by the same payment later, once', async () => {
    const facilitator = await startScriptedFacilitator();
    const { gateway, rows } = await startAsked('envoy', { facilitator: { kind: 'remote', url: facilitator.url } });
    const noticed = Promise.withResolvers<void>();
    facilitator.next('settle', { kind: 'hold', until: noticed.promise });
    const alone = { Connection: 'close' };
    const payment = await signFor(devnet, buyer, `${gateway.url}/data`, { headers: alone });
    const headers = { ...alone, 'PAYMENT-SIGNATURE': payment };
    const proxy = new AbortController();
    const left = fetch(`${gateway.url}/data`, { headers, signal: proxy.signal });
    await facilitator.arrived('settle');
    proxy.abort();
    await expect(left).rejects.toThrow('aborted');
    const open = async () => (await (await fetch(`${gateway.adminUrl}/metrics`)).text()).match(OPEN)?.[1];
    await expect.poll(open).toBe('0');
    noticed.resolve();
    await expect.poll(async () => (await rows())[0]?.state).toBe('undelivered');
    expect((await fetch(`${gateway.url}/data`, { headers })).status).toBe(200);
    await expect.poll(async () => (await rows())[0]?.state).toBe('delivery_unknown');
    expect((await fetch(`${gateway.url}/data`, { headers })).status).toBe(409);
    expect(facilitator.requests.filter(({ endpoint }) => endpoint === 'settle')).toHaveLength(1);
    await gateway.close();
    await facilitator.close();
  });
});

/** The configuration that is shipped, with other addresses. */
function nginxServer(port: number, asked: string, api: string): string {
  return readFileSync('config/authz/nginx.conf', 'utf8')
    .replace('listen 80;', `listen 127.0.0.1:${port};`)
    .replace('http://127.0.0.1:8402;', `${asked};`)
    .replace('http://127.0.0.1:8080;', `${api};`);
}

describe.skipIf(executable === undefined)(`nginx with auth_request${why}`, () => {
  let api: TestUpstream;
  let asked: Asked;
  let nginx: Nginx;
  /** What the API sends with its answers. */
  let headers: Record<string, string> = {};
  beforeAll(async () => {
    api = await startUpstream((req, res) => {
      req.resume();
      for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
      res.end(`the API at ${req.url}, paid by ${req.headers['x402-payer'] ?? 'nobody'}`);
    });
    asked = await startAsked('nginx');
    nginx = await startNginx(executable ?? '', (port) => nginxServer(port, asked.gateway.url, api.url));
  });
  afterAll(async () => {
    await nginx.stop();
    await asked.gateway.close();
    await api.close();
  });

  it('sells to a stock client, and serves nothing unpaid', async () => {
    const before = await paidTo();
    const free = await fetch(`${nginx.url}/free`, { headers: { 'X402-Payer': 'forged' } });
    expect([free.status, await free.text()]).toEqual([200, 'the API at /free, paid by nobody']);
    const forged = await fetch(`${nginx.url}/free`, { headers: { 'X402-Amount': '1' } });
    expect(forged.status).toBe(400);
    const unpaid = await fetch(`${nginx.url}/data?a=b`);
    expect([unpaid.status, challengeOf(unpaid).resource.url]).toEqual([402, `${nginx.url}/data?a=b`]);
    expect(api.seen.filter(({ url }) => url.startsWith('/data'))).toEqual([]);
    const paid = await stockFetch(buyer.key)(`${nginx.url}/data?a=b`);
    expect((await paid.text()).toLowerCase()).toBe(`the api at /data?a=b, paid by ${buyer.address.toLowerCase()}`);
    expect(settlementOf(paid).success).toBe(true);
    expect(await paidTo()).toBe(before + 1000n);
    const names = api.seen.flatMap(({ rawHeaders }) => rawHeaders.map((text) => text.toLowerCase()));
    expect(names).not.toContain('payment-signature');
  });

  it.each([
    { 'Cache-Control': 'public, max-age=600' },
    { 'Cache-Control': 's-maxage=600', Expires: 'Fri, 01 Jan 2100 00:00:00 GMT' },
    { 'CDN-Cache-Control': 'max-age=600' },
    { 'Cloudflare-CDN-Cache-Control': 'max-age=600' },
    { 'Akamai-Cache-Control': 'max-age=600' },
    { 'Surrogate-Control': 'max-age=600' },
    { 'X-Accel-Expires': '600' },
  ])('keeps what was paid for out of shared caches where the API says %j', async (invitation) => {
    headers = invitation;
    const payment = await signFor(devnet, buyer, `${nginx.url}/data`);
    const { host, port } = new URL(nginx.url);
    const lines = ['GET /data HTTP/1.1', `Host: ${host}`, `PAYMENT-SIGNATURE: ${payment}`, 'Connection: close', '', ''];
    const paid = await exchangeRaw(Number(port), lines.join('\r\n'));
    headers = {};
    expect(paid.statusLine).toContain(' 200 ');
    expect(isStorable(paid)).toBe(false);
    expect(paid.all('cache-control')).toHaveLength(1);
  });

  it.each([
    ['max-age=0, No-Store', 'private, no-store'],
    ['no-cache', 'private, no-cache'],
    ['public, s-maxage=9, max-age=600', 'private, max-age=600'],
    ['s-maxage=600', 'private'],
  ])('leaves to browsers what the API says in %j', async (said, left) => {
    headers = { 'Cache-Control': said };
    const free = await fetch(`${nginx.url}/free`);
    headers = {};
    expect(free.headers.get('cache-control')).toBe(left);
  });

  it('lets no client say which request it asks about', async () => {
    const forged = {
      'X-Original-Method': 'GET',
      'X-Original-URI': '/free',
      'X-Forwarded-Uri': '/free',
      'X-Forwarded-Prefix': '/free',
      'X-Forwarded-Host': 'shop.example.com',
      Forwarded: 'host=shop.example.com',
    };
    expect((await fetch(`${nginx.url}/data`, { headers: forged })).status).toBe(402);
    expect((await fetch(`${nginx.url}/own`, { headers: forged })).status).toBe(404);
  });

  it('sends no request to the API whose payment was used, and does not state the price again', async () => {
    const payment = { headers: { 'PAYMENT-SIGNATURE': await signFor(devnet, buyer, `${nginx.url}/data`) } };
    expect((await fetch(`${nginx.url}/data`, payment)).status).toBe(200);
    const seen = api.seen.length;
    const again = await fetch(`${nginx.url}/data`, payment);
    expect([again.status, again.headers.has('payment-required'), api.seen.length]).toEqual([409, false, seen]);
  });
});
