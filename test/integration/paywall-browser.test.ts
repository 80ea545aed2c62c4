import { readFile } from 'node:fs/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { announceWallet, barriersOf, findChromium, startBrowser, type WalletConduct } from '../support/browser.ts';
import { type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type Visitor, visitPaywall } from '../support/paywall-visit.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

const chromium = findChromium();
const why = chromium === undefined ? ' (skipped: there is no chromium on this machine)' : '';

describe.skipIf(chromium === undefined)(`the page on which people pay, in Chromium${why}`, { timeout: 90_000 }, () => {
  let devnet: Devnet;
  let upstream: TestUpstream;
  let gateway: TestGateway;
  let browser: Browser;
  let page: Page;
  let buyer: Payer;
  /** Origins that were asked for anything. */
  let asked: ReadonlySet<string>;
  let faults: readonly string[];
  let gone: boolean;

  beforeAll(async () => {
    [devnet, upstream, browser] = await Promise.all([
      startDevnet(),
      startUpstream((req, res) => {
        if (gone) return void res.writeHead(503).end('closed today');
        if (req.url === '/report.csv') {
          res.setHeader('Content-Disposition', 'attachment; filename="report.csv"');
          return void res.end('a,b\n1,2\n');
        }
        res.setHeader('Content-Type', 'text/html');
        res.end('<!doctype html><title>Bought</title><h1>The article</h1>');
      }),
      startBrowser(chromium ?? ''),
    ]);
    gateway = await startTestGateway(`${settings(devnet, upstream.url)}
paywall: { title: The Morning Post, colour: "#0f766e" }
routes:
  - { path: /article, price: $0.05, description: How the sea got its salt }
  - { path: /report.csv, price: $0.05 }
  - { path: "/archive/*", price: $0.05, access: { for: 24h, requests: 10 } }
`);
  });

  beforeEach(async () => {
    gone = false;
    buyer = await freshPayer(devnet);
  });

  afterEach(async () => {
    await page?.context().close();
  });

  afterAll(async () => {
    await browser?.close();
    await gateway?.close();
    await Promise.all([devnet?.close(), upstream?.close()]);
  });

  /** Opens a page with the wallets of a buyer. */
  async function open(
    path: string,
    wallets?: readonly WalletConduct[],
    visitor: Omit<Visitor, 'payer' | 'wallets'> = {},
  ) {
    const visit = await visitPaywall(browser, devnet, gateway.url + path, { payer: buyer, wallets, ...visitor });
    ({ page, asked, faults } = visit);
    return visit.calls;
  }

  async function problem(): Promise<string> {
    return await page.locator('.problem').innerText();
  }

  it('sells an article, which opens as a page of its own', async () => {
    const [calls = []] = await open('/article', undefined, { receiptStays: true });
    expect(await page.title()).toBe('$0.05 · The Morning Post');
    await page.getByRole('button', { name: 'Pay $0.05' }).click();
    await page.getByRole('heading', { name: 'Paid · Receipt' }).waitFor();
    expect(await page.locator('.receipt').innerText()).toMatch(/0x[0-9a-f]{64}/);
    await page.getByRole('button', { name: 'Open it now' }).click();
    await page.getByRole('heading', { name: 'The article' }).waitFor();
    expect(page.url()).toBe(`${gateway.url}/article`);
    expect(await devnet.usdcBalanceOf(buyer.address)).toBe(950_000n);
    expect(calls.map(({ method }) => method)).toContain('eth_signTypedData_v4');
    expect([...asked]).toEqual([gateway.url]);
    expect(faults).toEqual([]);
  });

  it('keeps the receipt, and sells nothing twice, when another wallet announces itself late', async () => {
    const [calls = []] = await open('/article', undefined, { receiptStays: true });
    await page.getByRole('button', { name: 'Pay $0.05' }).click();
    await page.getByRole('heading', { name: 'Paid · Receipt' }).waitFor();
    const asked = calls.length;
    await announceWallet(page, 'Late');
    expect(await page.getByRole('heading', { name: 'Paid · Receipt' }).isVisible()).toBe(true);
    expect(await page.getByRole('button', { name: /^Pay/ }).count()).toBe(0);
    expect(calls).toHaveLength(asked);
    expect(await devnet.usdcBalanceOf(buyer.address)).toBe(950_000n);
  });

  it('offers no second purchase during the first when another wallet announces itself', async () => {
    let sign = (): void => {};
    const signing = new Promise<void>((resolve) => {
      sign = resolve;
    });
    const before = async (method: string) => (method === 'eth_signTypedData_v4' ? await signing : undefined);
    await open('/article', [{ name: 'Rabby', before }]);
    await page.getByRole('button', { name: 'Pay $0.05' }).click();
    await announceWallet(page, 'Late');
    const late = page.locator('button', { hasText: 'Pay with Late' });
    expect(await late.getAttribute('aria-disabled')).toBe('true');
    sign();
    await page.getByRole('heading', { name: 'The article' }).waitFor();
    expect(await devnet.usdcBalanceOf(buyer.address)).toBe(950_000n);
  });

  it('sells a download, which the browser saves', async () => {
    await open('/report.csv');
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Pay $0.05' }).click();
    const saved = await download;
    expect(saved.suggestedFilename()).toBe('report.csv');
    expect(await readFile(await saved.path(), 'utf8')).toBe('a,b\n1,2\n');
    expect(await page.getByText('If your browser saves a file instead, you are done.').isVisible()).toBe(true);
  });

  it('sells a pass, which opens the other pages of its route without another payment', async () => {
    await open('/archive/1');
    expect(await page.locator('.terms').innerText()).toContain('24 hours or 10 requests');
    await page.getByRole('button', { name: 'Pay $0.05' }).click();
    await page.getByRole('heading', { name: 'The article' }).waitFor();
    await page.goto(`${gateway.url}/archive/2`);
    await page.getByRole('heading', { name: 'The article' }).waitFor();
    expect(await devnet.usdcBalanceOf(buyer.address)).toBe(950_000n);
  });

  it('opens also from a link on another site', async () => {
    await open('/article');
    await page.setContent(`<a href="${gateway.url}/article">to the article</a>`);
    await page.getByRole('link').click();
    await page.getByRole('button', { name: 'Pay $0.05' }).click();
    await page.getByRole('heading', { name: 'The article' }).waitFor();
  });

  it('lets the buyer choose among several wallets', async () => {
    const icon = 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciLz4=';
    const [rabby = [], other = []] = await open('/article', [
      { name: 'Rabby', icon },
      { name: '<img src=x onerror=alert(1)>', icon: 'https://tracker.example/icon.png' },
    ]);
    expect(await page.getByRole('button').count()).toBe(2);
    expect(await page.locator('#wallets img').count()).toBe(1);
    await page.getByRole('button', { name: 'Pay with <img' }).click();
    await page.getByRole('heading', { name: 'The article' }).waitFor();
    expect(other.length).toBeGreaterThan(3);
    expect(rabby).toEqual([]);
    expect([...asked]).toEqual([gateway.url]);
  });

  it('finds a wallet that announces itself in window.ethereum alone', async () => {
    await open('/article', [{}]);
    await page.getByRole('button', { name: 'Pay $0.05' }).click();
    await page.getByRole('heading', { name: 'The article' }).waitFor();
  });

  it('has the wallet change its network first', async () => {
    const [calls = []] = await open('/article', [{ name: 'Rabby', chainId: 1 }]);
    await page.getByRole('button', { name: 'Pay $0.05' }).click();
    await page.getByRole('heading', { name: 'The article' }).waitFor();
    expect(calls.map(({ method }) => method)).toContain('wallet_switchEthereumChain');
  });

  it('can be bought from by keyboard alone', async () => {
    await open('/article', [{ name: 'Rabby' }, { name: 'MetaMask' }], { receiptStays: true });
    await page.getByRole('button', { name: 'Pay with Rabby' }).waitFor();
    await page.keyboard.press('Tab');
    expect(await page.locator(':focus').textContent()).toBe('Pay with Rabby');
    await page.keyboard.press('Tab');
    expect(await page.locator(':focus').textContent()).toBe('Pay with MetaMask');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Paid · Receipt' }).waitFor();
    expect(await page.locator(':focus').textContent()).toBe('Open it now');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'The article' }).waitFor();
  });

  it('tells the buyer that the API has answered with a fault, and charges nothing; the next try pays', async () => {
    gone = true;
    await open('/article');
    await page.getByRole('button', { name: 'Pay $0.05' }).click();
    await page.locator('.problem').waitFor();
    expect(await problem()).toMatch(/answered 503.*Nothing was charged/s);
    expect(await devnet.usdcBalanceOf(buyer.address)).toBe(1_000_000n);
    gone = false;
    await page.getByRole('button', { name: 'Pay $0.05' }).click();
    await page.getByRole('heading', { name: 'The article' }).waitFor();
  });

  it('sends the same payment again when it is reloaded before the answer came', async () => {
    await open('/article');
    let cut = 0;
    await page.route('**/article', async (route) => {
      if (route.request().headers()['x402-answer'] === undefined || cut > 0) return await route.continue();
      cut += 1;
      // The gateway settles; its answer does not come back.
      await route.fetch();
      await route.abort();
      await page.reload();
    });
    await page.getByRole('button', { name: 'Pay $0.05' }).click();
    await page.getByRole('heading', { name: 'The article' }).waitFor();
    expect(cut).toBe(1);
    expect(await devnet.usdcBalanceOf(buyer.address)).toBe(950_000n);
  });

  it.each([
    ['light', 'en-US', 'Pay $0.05'],
    ['dark', 'en-US', 'Pay $0.05'],
    ['light', 'de-DE', '$0.05 bezahlen'],
    ['dark', 'fa-IR', 'پرداخت $0.05'],
  ] as const)('has no barriers and fits 360 pixels (%s, %s)', async (colorScheme, locale, button) => {
    await open('/article', [{ name: 'Rabby' }], {
      options: { colorScheme, locale, viewport: { width: 360, height: 640 } },
    });
    await page.getByRole('button', { name: button }).waitFor();
    expect(await barriersOf(page)).toEqual([]);
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
    expect(await page.evaluate<string>('document.dir')).toBe(locale === 'fa-IR' ? 'rtl' : 'ltr');
    // The page draws its buttons anew when a wallet announces itself: for a moment there is none to measure.
    const height = async () => (await page.getByRole('button', { name: button }).boundingBox())?.height ?? 0;
    await expect.poll(height).toBeGreaterThanOrEqual(44);
  });

  it('is not shown in a frame of another page', async () => {
    await open('/article');
    await page.route('http://frame.example/', (route) =>
      route.fulfill({ contentType: 'text/html', body: `<iframe src="${gateway.url}/article"></iframe>` }),
    );
    await page.goto('http://frame.example/');
    const frame = page.frames().find((each) => each !== page.mainFrame());
    await expect.poll(() => frame?.url()).toContain('chrome-error');
  });
});
