import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { challengeOf, settlementOf, signFor } from '../support/buyer.ts';
import { type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { openAddress } from '../support/navigation.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

const BROWSER = { Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' };

let devnet: Devnet;
let upstream: TestUpstream;
let gateway: TestGateway;
let plain: TestGateway;
/** Behind a proxy that takes a prefix off the path. */
let behind: TestGateway;
let buyer: Payer;
let answer: Parameters<typeof startUpstream>[0];
/** Added to the real time by the gateway's clock. */
let ahead = 0;

beforeAll(async () => {
  [devnet, upstream] = await Promise.all([startDevnet(), startUpstream((req, res) => answer?.(req, res))]);
  const table = `
routes:
  - { path: /article, price: $0.001 }
  - { path: /before, price: $0.001, settle: before }
  - { path: /deferred, price: $0.001, settle: deferred }
  - { path: "/parts/*", price: $0.001 }
  - { path: /pass, price: $0.001, access: { for: 1h, requests: 3 } }
`;
  const clock = (): number => Date.now() + ahead;
  gateway = await startTestGateway(`${settings(devnet, upstream.url)}${table}`, { clock });
  plain = await startTestGateway(`${settings(devnet, upstream.url)}paywall: off\n${table}`);
  behind = await startTestGateway(
    `${settings(devnet, upstream.url)}trustedProxies: [127.0.0.0/8]\npublicUrl: https://shop.example.com\n${table}`,
  );
});

beforeEach(async () => {
  ahead = 0;
  answer = (_req, res) => res.end('here you are');
  buyer = await freshPayer(devnet);
});

afterAll(async () => {
  await Promise.all([gateway.close(), plain.close(), behind.close()]);
  await Promise.all([devnet.close(), upstream.close()]);
});

/** Pays as the page does, and returns what it is answered. */
async function payForLater(
  path: string,
  header?: string,
): Promise<{ response: Response; header: string; cookie: string }> {
  const url = gateway.url + path;
  const signed = header ?? (await signFor(devnet, buyer, url));
  const headers = { ...BROWSER, 'PAYMENT-SIGNATURE': signed, 'X402-Answer': 'later' };
  const response = await fetch(url, { headers, redirect: 'manual' });
  return { response, header: signed, cookie: cookiesOf(response) };
}

function cookiesOf(response: Response): string {
  return response.headers
    .getSetCookie()
    .map((each) => each.split(';', 1)[0])
    .join('; ');
}

async function navigate(path: string, cookie: string, more: Record<string, string> = {}): Promise<Response> {
  return await openAddress(gateway.url + path, { ...more, Cookie: cookie });
}

async function paidTo(): Promise<bigint> {
  return await devnet.usdcBalanceOf(devnet.accounts.payee.address);
}

describe('a browser that opens a priced path', () => {
  it('gets a page with the status and the price that machines get', async () => {
    const url = `${gateway.url}/article`;
    const [page, machine] = await Promise.all([openAddress(url), fetch(url)]);
    expect(page.status).toBe(402);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('cache-control')).toBe('no-store');
    expect(page.headers.get('vary')).toBe('Accept, Accept-Language');
    expect(challengeOf(page)).toEqual(challengeOf(machine));
    expect(await page.text()).toContain('$0.001');
    expect(machine.headers.get('content-type')).not.toContain('html');
    expect(machine.headers.get('vary')).toBeNull();
  });

  it('gets the head of the page alone for HEAD', async () => {
    const page = await openAddress(`${gateway.url}/article`, {}, 'HEAD');
    expect(page.status).toBe(402);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(Number(page.headers.get('content-length'))).toBeGreaterThan(1000);
  });

  it.each([
    ['curl', { Accept: '*/*' }],
    ["a page's script", { ...BROWSER, 'Sec-Fetch-Mode': 'cors' }],
    ['a machine that likes HTML and pays', { ...BROWSER, 'PAYMENT-SIGNATURE': 'bm90IGpzb24=' }],
  ])('is not confused with %s, which gets the price for machines', async (_name, headers) => {
    const response = await fetch(`${gateway.url}/article`, { headers });
    expect(response.headers.get('content-type')).not.toContain('html');
    expect(response.headers.get('payment-required')).not.toBeNull();
  });

  it('gets no page for another method than GET and HEAD, and none with paywall: off', async () => {
    const posted = await openAddress(`${gateway.url}/article`, {}, 'POST');
    expect(posted.headers.get('content-type')).not.toContain('html');
    const off = await openAddress(`${plain.url}/article`);
    expect(off.headers.get('content-type')).not.toContain('html');
  });
});

describe('a payment whose answer is opened later', () => {
  it.each(['/article', '/before', '/deferred'])('on %s is settled, and collected by the cookie once', async (path) => {
    const before = await paidTo();
    const { response, cookie } = await payForLater(path);
    expect(response.status).toBe(204);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(settlementOf(response).success).toBe(true);
    expect(await paidTo()).toBe(before + 1000n);
    const opened = await navigate(path, cookie);
    expect(opened.status).toBe(200);
    expect(await opened.text()).toBe('here you are');
    expect(opened.headers.get('cache-control')).toContain('private');
    expect(settlementOf(opened).transaction).toBe(settlementOf(response).transaction);
    const again = await navigate(path, cookie);
    expect(again.status).toBe(402);
    expect(await again.text()).toContain('You paid for this page before');
    expect(await paidTo()).toBe(before + 1000n);
  });

  it('comes with a cookie for its path, out of the reach of scripts and of other sites', async () => {
    const { response } = await payForLater('/parts/a%20b?x=1');
    const [cookie = ''] = response.headers.getSetCookie();
    expect(cookie).toMatch(
      /^turnpike_payment=[A-Za-z0-9+/=]+; Path=\/parts\/a%20b; Max-Age=\d+; HttpOnly; Secure; SameSite=Strict$/,
    );
    expect(cookie.length).toBeLessThan(4096);
  });

  it('is hidden from the API', async () => {
    const { cookie } = await payForLater('/article');
    const { length } = upstream.seen;
    await (await navigate('/article', `theirs=1; ${cookie}`)).text();
    const [seen] = upstream.seen.slice(length);
    const headers = seen?.rawHeaders.join('\n') ?? '';
    expect(headers).toContain('theirs=1');
    expect(headers).not.toMatch(/turnpike_payment|X402-Answer/i);
  });

  it('costs nothing when the API answers with a status that is not charged', async () => {
    const before = await paidTo();
    answer = (_req, res) => res.writeHead(404).end('no such page');
    const { response, cookie, header } = await payForLater('/article');
    expect(response.status).toBe(404);
    // The page tells it by this from the answer of a proxy in between.
    expect(response.headers.get('x402-answer')).toBe('uncharged');
    expect(cookie).toBe('');
    expect(await paidTo()).toBe(before);
    answer = (_req, res) => res.end('here you are');
    expect((await payForLater('/article', header)).response.status).toBe(204);
    expect(await paidTo()).toBe(before + 1000n);
  });

  it('is settled once, however often and by however many tabs it is sent', async () => {
    const before = await paidTo();
    const header = await signFor(devnet, buyer, `${gateway.url}/article`);
    const sent = await Promise.all([1, 2, 3, 4].map(() => payForLater('/article', header)));
    const statuses = sent.map(({ response }) => response.status);
    expect(statuses).toContain(204);
    expect(statuses.every((status) => status === 204 || status === 409)).toBe(true);
    const again = await payForLater('/article', header);
    expect(again.response.status).toBe(204);
    expect(await paidTo()).toBe(before + 1000n);
    expect((await navigate('/article', again.cookie)).status).toBe(200);
  });

  it('is delivered once, however many navigations ask for it', async () => {
    const { cookie } = await payForLater('/article');
    const release = Promise.withResolvers<void>();
    answer = (_req, res) => void release.promise.then(() => res.end('here you are'));
    const first = navigate('/article', cookie);
    const second = navigate('/article', cookie);
    const busy = await Promise.race([first, second]);
    expect(busy.status).toBe(409);
    expect(busy.headers.get('payment-required')).toBeNull();
    expect(await busy.text()).toContain('This payment is being worked on.');
    release.resolve();
    expect([(await first).status, (await second).status].sort()).toEqual([200, 409]);
  });

  it('can be opened again when the answer broke off', async () => {
    const { cookie } = await payForLater('/article');
    answer = (_req, res) => {
      res.writeHead(200, { 'Content-Length': '100' });
      res.write('half', () => res.destroy());
    };
    await expect(navigate('/article', cookie).then((response) => response.text())).rejects.toThrow();
    answer = (_req, res) => res.end('here you are');
    await expect.poll(async () => (await navigate('/article', cookie)).status).toBe(200);
  });

  it('can no longer be opened after the retry window, and is never charged again for trying', async () => {
    const { cookie } = await payForLater('/article');
    const before = await paidTo();
    ahead = 3_600_000;
    expect((await navigate('/article', cookie)).status).toBe(402);
    expect(await paidTo()).toBe(before);
  });

  it('comes with cookies for the paths that the browser knows, behind a proxy that takes a prefix off them', async () => {
    const url = `${behind.url}/pass`;
    const signed = await signFor(devnet, buyer, url);
    const prefixed = { ...BROWSER, 'X-Forwarded-Prefix': '/v1/', 'PAYMENT-SIGNATURE': signed, 'X402-Answer': 'later' };
    const cookies = (await fetch(url, { headers: prefixed })).headers.getSetCookie();
    expect(cookies.map((cookie) => /; Path=([^;]*)/.exec(cookie)?.[1])).toEqual(['/v1/pass', '/v1/pass']);
  });

  it('buys the pass as well, whose cookie opens the route afterwards', async () => {
    const { response, cookie } = await payForLater('/pass');
    expect(response.headers.getSetCookie()).toHaveLength(2);
    const opened = await navigate('/pass', cookie);
    expect(opened.status).toBe(200);
    for (const rest of ['2', '1', '0']) {
      const next = await navigate('/pass', cookie);
      expect(next.status).toBe(200);
      expect(next.headers.get('x402-access-remaining')).toBe(rest);
    }
    const ended = await navigate('/pass', cookie);
    expect(ended.status).toBe(402);
    expect(await ended.text()).toContain('Your access has ended.');
  });
});

describe('the cookie of a payment', () => {
  it('does not spend a payment that was not settled', async () => {
    const before = await paidTo();
    const header = await signFor(devnet, buyer, `${gateway.url}/article`);
    const { length } = upstream.seen;
    expect((await navigate('/article', `turnpike_payment=${header}`)).status).toBe(402);
    expect(upstream.seen).toHaveLength(length);
    expect(await paidTo()).toBe(before);
  });

  it.each([
    ['another path', '/before'],
    ['another query', '/article?more=1'],
    ['a path below', '/parts/article'],
  ])('opens nothing at %s', async (_name, path) => {
    const { cookie } = await payForLater('/article');
    expect((await navigate(path, cookie)).status).toBe(402);
    expect((await navigate('/article', cookie)).status).toBe(200);
  });

  it.each([
    ['a script of a page', { 'Sec-Fetch-Mode': 'cors' }],
    ['a picture in a page', { 'Sec-Fetch-Mode': 'no-cors' }],
    ['a browser that loads pages ahead', { 'Sec-Fetch-Mode': 'navigate', 'Sec-Purpose': 'prefetch;prerender' }],
  ])('is not used up by %s', async (_name, headers) => {
    const { cookie } = await payForLater('/article');
    expect((await navigate('/article', cookie, headers)).status).toBe(402);
    expect((await navigate('/article', cookie)).status).toBe(200);
  });

  it('that an API tries to set does not reach a browser', async () => {
    answer = (_req, res) => res.setHeader('Set-Cookie', ['turnpike_payment=forged', 'own=1']).end('x');
    const { cookie } = await payForLater('/article');
    const opened = await navigate('/article', cookie);
    expect(opened.headers.getSetCookie()).toEqual(['own=1']);
  });

  it.each(['', '%%%', 'e30=', 'A'.repeat(6000)])('without a payment in it has no effect: %#', async (value) => {
    expect((await navigate('/article', `turnpike_payment=${value}`)).status).toBe(402);
  });
});
