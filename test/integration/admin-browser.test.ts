import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { PaymentKey } from '../../src/domain/payment.ts';
import { openMemoryLedger } from '../../src/store/memory/memory-ledger.ts';
import type { PaymentStore } from '../../src/store/payment-store.ts';
import { paymentClaim } from '../contract/ledger-scene.ts';
import { ADMIN_TOKEN, adminWithToken, putMeteredPayment, putPayment } from '../support/admin.ts';
import { barriersOf, findChromium, startBrowser } from '../support/browser.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

const chromium = findChromium();
const why = chromium === undefined ? ' (skipped: there is no chromium on this machine)' : '';

/** Text by which an attacker would run a script in the owner's browser. */
const HOSTILE = `"><img src=x onerror="window.owned=1"><script>window.owned=1</script>\u202e'\`\${owned}`;
/** The key of the call that was charged by what it used. */
const METERED = paymentClaim({ name: '0x04' }).key;
const VIEWS = [
  'overview',
  'payments',
  `payment?${new URLSearchParams({ key: METERED })}`,
  `payment?${new URLSearchParams({ key: paymentClaim({ name: HOSTILE }).key })}`,
  'doubt',
  'passes',
  'prices',
  'gateway',
  'explain',
];

describe.skipIf(chromium === undefined)(`the admin page, in Chromium${why}`, { timeout: 120_000 }, () => {
  let store: PaymentStore;
  let gateway: TestGateway;
  let open: TestGateway;
  let browser: Browser;
  let page: Page;
  let faults: string[];
  /** Origins that were asked for anything. */
  let asked: Set<string>;

  beforeAll(async () => {
    const now = Date.now();
    store = openMemoryLedger();
    await store.beat('process-1', now);
    await putPayment(store, { name: '0x01', claimedAt: now, amount: 1_234_567n }, 'settling', 'delivered');
    await putPayment(store, { name: '0x02', claimedAt: now - 60_000 }, 'settling', 'unknown');
    await putPayment(store, { name: '0x03', claimedAt: now - 90_000 }, 'settling', 'failed');
    await putMeteredPayment(store, { name: '0x04', claimedAt: now, model: HOSTILE, amount: 4_640n });
    await putPayment(store, { name: '0x05', claimedAt: now, route: `mcp#tool=${HOSTILE}` }, 'settling', 'delivered');
    const hostile = { route: HOSTILE, payer: HOSTILE, requestId: HOSTILE, facilitator: HOSTILE, payTo: HOSTILE };
    const key = await putPayment(store, { name: HOSTILE, claimedAt: now, ...hostile }, 'settling', 'undelivered');
    await store.passes.grant(
      {
        paymentKey: key as PaymentKey,
        scope: `route:${HOSTILE}`,
        holder: { family: 'eip155', payer: HOSTILE },
        opens: ['f'],
        version: 'v',
        forMs: 3_600_000,
        requests: 5,
      },
      now,
    );
    const config = `
upstream: http://127.0.0.1:9
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base-sepolia]
facilitator: http://127.0.0.1:9
store: memory
routes:
  - { path: /articles/:id, price: $0.05, description: ${JSON.stringify('<script>owned=1</script>')} }
  - { path: /free, price: free }
`;
    [gateway, open, browser] = await Promise.all([
      startTestGateway(`${adminWithToken()}${config}`, { store }),
      startTestGateway(config),
      startBrowser(chromium ?? ''),
    ]);
    for (const agent of ['curl/8', HOSTILE.replace(/[^\x20-\x7e]/g, '')]) {
      await fetch(`${gateway.url}/articles/${encodeURIComponent('<script>')}`, { headers: { 'User-Agent': agent } });
    }
  });

  afterEach(async () => {
    await page?.context().close();
  });

  afterAll(async () => {
    await browser?.close();
    await gateway?.close();
    await open?.close();
  });

  async function visit(hash = '', options: BrowserContextOptions = {}, at: TestGateway = gateway): Promise<void> {
    const context = await browser.newContext(options);
    page = await context.newPage();
    faults = [];
    asked = new Set();
    page.on('pageerror', (fault) => faults.push(String(fault)));
    page.on('console', (line) => {
      if (/Content Security Policy|TrustedHTML/i.test(line.text())) faults.push(line.text());
    });
    page.on('request', (request) => {
      if (!request.url().startsWith('data:')) asked.add(new URL(request.url()).origin);
    });
    await page.goto(`${at.adminUrl}/${hash}`);
  }

  async function signIn(): Promise<void> {
    await page.getByLabel('Token').fill(ADMIN_TOKEN);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('navigation', { name: 'Views' }).waitFor();
  }

  /** Waits until the page shows a view, with something in it. */
  async function shown(view: string): Promise<void> {
    const name = view.startsWith('payment?') ? 'payments' : view;
    await page.locator(`nav a[aria-current="page"][href="#/${name}"]`).waitFor();
    const title = view.startsWith('payment?') ? 'Payment' : /./;
    await page.getByRole('heading', { level: 1, name: title, exact: true }).waitFor();
    await page.locator('#content > *').first().waitFor();
  }

  it('asks for the token, says when it is wrong, and shows nothing before sign-in', async () => {
    await visit();
    await page.getByLabel('Token').fill('not-the-token');
    await page.keyboard.press('Enter');
    await page.getByText('This is not the token.').waitFor();
    expect(await page.getByRole('navigation', { name: 'Views' }).count()).toBe(0);
    await signIn();
    await page.getByRole('link', { name: /Today/ }).waitFor();
    expect(await page.evaluate('document.cookie')).toBe('');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Token').waitFor();
    expect(await page.evaluate('sessionStorage.length + localStorage.length')).toBe(0);
  });

  it('shows what was earned to the unit, with a bar for it', async () => {
    await visit();
    await signIn();
    // 1.234567 and 0.01 that were delivered, 0.01 that waits for its buyer, and 0.00464 for what a call used.
    expect(await page.getByRole('link', { name: /Today/ }).textContent()).toContain('1.259207 USDC');
    await page.locator('svg rect.bar title', { hasText: '1.259207 USDC' }).first().waitFor({ state: 'attached' });
  });

  it('shows what each model and each tool earned, even with hostile names', async () => {
    await visit();
    await signIn();
    const models = page.getByRole('table', { name: 'Revenue by model' });
    expect(await models.getByRole('cell').allInnerTexts()).toEqual([HOSTILE, '1', '0.00464 USDC']);
    const tools = page.getByRole('table', { name: 'Revenue by price' });
    expect(await tools.getByRole('cell').allInnerTexts()).toEqual([`mcp#tool=${HOSTILE}`, '1', '0.01 USDC']);
    expect(await page.evaluate('"owned" in window')).toBe(false);
    expect(faults).toEqual([]);
  });

  it('shows what a call used beside what it was charged, and the maximum that was signed', async () => {
    await visit(`#/payment?${new URLSearchParams({ key: METERED })}`);
    await signIn();
    await page.getByRole('heading', { name: 'Payment', exact: true }).waitFor();
    const facts = await page.locator('dl.facts').innerText();
    expect(facts).toContain('1,808 input at $2.50/1M, 12 output at $10/1M');
    expect(facts).toContain(HOSTILE);
    expect(facts).toMatch(/Amount at most\s+0\.05 USDC/);
    expect(facts).toMatch(/Charged\s+0\.00464 USDC/);
    await page.goto(`${gateway.adminUrl}/#/payments`);
    const row = page.getByRole('table', { name: 'Payments' }).getByRole('row', { name: /0\.00464 USDC/ });
    await expect.poll(() => row.count()).toBe(1);
  });

  it.each(VIEWS)('runs no script and renders no markup from payers, paths or agents, in the view %s', async (view) => {
    await visit(`#/${view}`);
    await signIn();
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.locator('#content > *').first().waitFor();
    expect(await page.evaluate('"owned" in window')).toBe(false);
    expect(await page.locator('main img, main script, main b, #content [onerror], #content [onclick]').count()).toBe(0);
    expect(faults).toEqual([]);
    expect([...asked]).toEqual([gateway.adminUrl]);
  });

  it('shows a hostile payment as the text that it is, and searches for it', async () => {
    await visit('#/payments');
    await signIn();
    await page.getByLabel('Payer').fill(HOSTILE);
    await page.getByRole('button', { name: 'Search' }).click();
    const link = page.locator('#content tbody a');
    await expect.poll(() => link.count()).toBe(1);
    await link.click();
    await page.getByRole('heading', { name: 'Payment', exact: true }).waitFor();
    await page.locator('dd code', { hasText: HOSTILE }).first().waitFor();
    expect(await page.evaluate('"owned" in window')).toBe(false);
    expect(faults).toEqual([]);
  });

  it.each([
    'light',
    'dark',
  ] as const)('has no accessibility problem that axe finds, in any view, %s, at 360 px and wide', async (colorScheme) => {
    for (const width of [360, 1280]) {
      await visit('', { colorScheme, viewport: { width, height: 800 } });
      expect(await barriersOf(page)).toEqual([]);
      await signIn();
      for (const view of VIEWS) {
        await page.goto(`${gateway.adminUrl}/#/${view}`);
        await shown(view);
        await page.locator('#content > *').first().waitFor();
        expect(await barriersOf(page), `${view} ${width}`).toEqual([]);
        const wide = await page.evaluate<number>('document.documentElement.scrollWidth - window.innerWidth');
        expect(wide, `${view} is wider than ${width} px`).toBeLessThanOrEqual(0);
        // On a narrow page each row is a list; an empty cell takes no line of it.
        if (width === 360) expect(await page.locator('td:visible', { hasText: /^–$/ }).count(), view).toBe(0);
      }
      await page.context().close();
    }
  });

  it('takes a note and revokes a pass by keyboard alone', async () => {
    await visit('#/doubt');
    // The page puts the cursor there; what is typed before goes nowhere.
    await page.locator('input:focus').waitFor();
    await page.keyboard.type(ADMIN_TOKEN);
    await page.keyboard.press('Enter');
    const doubtful = page.getByRole('table', { name: 'Money that may still move' }).getByRole('link');
    await doubtful.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Note that it is taken care of' }).focus();
    await page.keyboard.press('Enter');
    await page.getByLabel('What was done').waitFor();
    await page.keyboard.type(HOSTILE);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByText('The note is saved.').waitFor();
    await page.locator('dd', { hasText: HOSTILE }).first().waitFor();
    const [noted] = await store.list({ states: ['unknown'] }, undefined, 1);
    expect(noted?.resolution?.note).toBe(HOSTILE);

    await page.goto(`${gateway.adminUrl}/#/passes`);
    await page.getByRole('button', { name: /Revoke the pass/ }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
    await page.getByRole('button', { name: /Revoke the pass/ }).focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByText('The pass is revoked.').waitFor();
    const [pass] = (await store.passes.listPasses(undefined, 1)).passes;
    expect(pass?.revokedAt).toBeDefined();
    expect(faults).toEqual([]);
  });

  it('explains a request in a form', async () => {
    await visit('#/explain');
    await signIn();
    await page.getByLabel('URL or path').fill('/articles/7');
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.getByText('0.05 USDC').first().waitFor();
    await page.getByLabel('URL or path').fill('//evil');
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.getByText(/400 /).waitFor();
  });

  it('is read without a token on this machine, and offers no actions', async () => {
    await visit('#/passes', {}, open);
    await page.getByText('No pass was sold yet.').waitFor();
    await page.goto(`${open.adminUrl}/#/gateway`);
    await page.getByRole('table', { name: 'Checks' }).waitFor();
    expect(await page.getByRole('button', { name: 'Read the file now' }).count()).toBe(0);
  });

  it('is one document under 100 KB that no other page can frame', async () => {
    const { status, headers } = await fetch(`${gateway.adminUrl}/`);
    expect(status).toBe(200);
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('cache-control')).toBe('no-store');
    expect((await (await fetch(`${gateway.adminUrl}/`)).text()).length).toBeLessThan(100_000);
    const context = await browser.newContext();
    page = await context.newPage();
    await page.route('http://evil.example/', (route) =>
      route.fulfill({ contentType: 'text/html', body: `<iframe src="${gateway.adminUrl}/" title="x"></iframe>` }),
    );
    await page.goto('http://evil.example/');
    // What Chromium shows in place of a page that must not be framed.
    await expect.poll(() => page.frames()[1]?.url()).toBe('chrome-error://chromewebdata/');
  });
});
