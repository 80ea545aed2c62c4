import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LANGUAGES } from '../../src/paywall/language.ts';
import type { Language, PageText } from '../../src/paywall/texts/page-text.ts';
import { barriersOf, findChromium, startBrowser, type WalletConduct } from '../support/browser.ts';
import { type Devnet, freshPayer, type Payer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { visitPaywall } from '../support/paywall-visit.ts';
import { type ScriptedFacilitator, startScriptedFacilitator } from '../support/scripted-facilitator.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

const chromium = findChromium();
const why = chromium === undefined ? ' (skipped: there is no chromium on this machine)' : '';
/** An account that nobody has paid anything. */
const POOR = { key: `0x${'11'.repeat(32)}`, address: '0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A' } as const;
const LOCALES = { en: 'en-US', de: 'de-DE', fa: 'fa-IR' } as const;

/** A way in which a purchase stops without money, and what the buyer is told. */
interface Failure {
  readonly name: string;
  /** `undefined`: no wallet at all. */
  readonly wallet: WalletConduct | undefined;
  readonly isPoor?: true;
  readonly path?: string;
  readonly says: readonly [what: PageText, cure: PageText];
  readonly values?: Readonly<Record<string, string>>;
}

const PLACE = { network: 'Base Sepolia' };
const REFUSED = { code: -32603, message: '<b>locked</b>' };
const FAILURES: readonly Failure[] = [
  { name: 'nobody has a wallet', wallet: undefined, says: ['noWallet', 'noWalletCure'] },
  {
    name: 'the buyer declines to connect',
    wallet: { declines: ['eth_requestAccounts'] },
    says: ['declined', 'declinedCure'],
  },
  {
    name: 'the buyer declines to sign',
    wallet: { declines: ['eth_signTypedData_v4'] },
    says: ['declined', 'declinedCure'],
  },
  {
    name: 'the buyer declines to switch',
    wallet: { chainId: 1, declines: ['wallet_switchEthereumChain'] },
    says: ['wrongNetwork', 'wrongNetworkCure'],
    values: PLACE,
  },
  {
    name: 'the wallet does not know the network',
    wallet: { chainId: 1, knowsNetwork: false },
    says: ['wrongNetwork', 'wrongNetworkCure'],
    values: PLACE,
  },
  {
    name: 'the wallet has a request open',
    wallet: { fails: { eth_requestAccounts: { code: -32002, message: 'pending' } } },
    says: ['walletBusy', 'walletBusyCure'],
  },
  {
    name: 'the wallet fails',
    wallet: { fails: { eth_signTypedData_v4: REFUSED } },
    says: ['walletFault', 'walletFaultCure'],
    values: { message: '<b>locked</b>' },
  },
  {
    name: 'the account does not hold the price',
    wallet: {},
    isPoor: true,
    says: ['notEnough', 'notEnoughCure'],
    values: { ...PLACE, symbol: 'USDC', balance: '0 USDC', price: '0.05 USDC', account: POOR.address },
  },
  {
    name: 'the wallet cannot tell that it does not',
    wallet: { fails: { eth_call: { code: 4200, message: 'not supported' } } },
    isPoor: true,
    says: ['notEnoughHere', 'notEnoughCure'],
    values: { ...PLACE, symbol: 'USDC', account: POOR.address },
  },
  {
    name: 'the wallet signs with another key',
    wallet: { signsWith: `0x${'22'.repeat(32)}` },
    says: ['refused', 'refusedCure'],
    values: { reason: 'invalid_exact_evm_signature' },
  },
  {
    name: 'the API answers with a fault',
    wallet: {},
    path: '/gone',
    says: ['notCharged', 'notChargedCure'],
    values: { status: '503' },
  },
];

describe.skipIf(chromium === undefined)(`a purchase that stops, in Chromium${why}`, { timeout: 90_000 }, () => {
  let devnet: Devnet;
  let upstream: TestUpstream;
  let facilitator: ScriptedFacilitator;
  let gateway: TestGateway;
  let moody: TestGateway;
  let browser: Browser;
  let buyer: Payer;
  let page: Page;

  beforeAll(async () => {
    [devnet, upstream, facilitator, browser] = await Promise.all([
      startDevnet(),
      startUpstream((req, res) => {
        if (req.url === '/gone') return void res.writeHead(503).end('closed today');
        res.setHeader('Content-Type', 'text/html');
        res.end('<!doctype html><title>Bought</title><h1>The article</h1>');
      }),
      startScriptedFacilitator(),
      startBrowser(chromium ?? ''),
    ]);
    const routes = `routes:
  - { path: /article, price: $0.05, description: How the sea got its salt }
  - { path: /gone, price: $0.05 }
`;
    const remote = { kind: 'remote', url: facilitator.url, settleTimeout: '1s' } as const;
    [gateway, moody] = await Promise.all([
      startTestGateway(`${settings(devnet, upstream.url)}${routes}`),
      startTestGateway(`${settings(devnet, upstream.url, remote)}${routes}`),
    ]);
  });

  beforeEach(async () => {
    buyer = await freshPayer(devnet);
  });

  afterEach(async () => {
    await page?.context().close();
  });

  afterAll(async () => {
    await browser?.close();
    await Promise.all([gateway?.close(), moody?.close()]);
    await Promise.all([devnet?.close(), upstream?.close(), facilitator?.close()]);
  });

  async function open(
    path: string,
    wallets: readonly WalletConduct[],
    {
      at = gateway,
      payer = buyer,
      locale = 'en-US',
    }: { at?: TestGateway; payer?: typeof POOR | Payer; locale?: string },
  ) {
    const visit = await visitPaywall(browser, devnet, at.url + path, { payer, wallets, options: { locale } });
    ({ page } = visit);
    return visit;
  }

  /** The button that pays, in whatever language. */
  async function press(): Promise<void> {
    await page.locator('button.pay').click();
  }

  describe.each(LANGUAGES)('is told in words with the cure ($tag)', (language) => {
    // Each failure in English and in one other language, by turns: what there is to translate is in one table for all.
    const others = LANGUAGES.filter(({ tag }) => tag !== 'en');
    const told = FAILURES.filter((_, at) => language.tag === 'en' || others[at % others.length] === language);
    it.each(told)('when $name', async ({ wallet, isPoor, path = '/article', says, values = {} }) => {
      const wallets = wallet === undefined ? [] : [{ name: 'Rabby', ...wallet }];
      const locale = LOCALES[language.tag as keyof typeof LOCALES];
      const { faults } = await open(path, wallets, { payer: isPoor === true ? POOR : buyer, locale });
      if (wallet !== undefined) await press();
      const problem = page.locator('.problem p');
      await problem.first().waitFor();
      expect(await problem.allTextContents()).toEqual(says.map((text) => filled(language, text, values)));
      expect(await page.evaluate('[document.documentElement.lang, document.dir]')).toEqual([
        language.tag,
        language.direction,
      ]);
      expect(await barriersOf(page)).toEqual([]);
      expect(faults).toEqual([]);
      expect(await devnet.usdcBalanceOf(buyer.address)).toBe(1_000_000n);
    });
  });

  it('is told when signing took too long, and pays at the next try', async () => {
    let slow = true;
    const before = async (method: string): Promise<void> => {
      // The hour that passes while the wallet waits for its owner.
      if (method === 'eth_signTypedData_v4' && slow) await page.clock.setFixedTime(Date.now() + 3_600_000);
    };
    await open('/article', [{ name: 'Rabby', before }], {});
    await press();
    await page.getByText('Signing took too long, and the offer has ended. Nothing was paid.').waitFor();
    await page.getByText(/Try again, and confirm within \d+ seconds\./).waitFor();
    slow = false;
    await page.clock.setFixedTime(Date.now());
    await press();
    await page.getByRole('heading', { name: 'The article' }).waitFor();
    expect(await devnet.usdcBalanceOf(buyer.address)).toBe(950_000n);
  });

  it('continues with the same payment when the connection is back', async () => {
    const before = async (method: string): Promise<void> => {
      if (method === 'eth_signTypedData_v4') await page.context().setOffline(true);
    };
    await open('/article', [{ name: 'Rabby', before }], {});
    await press();
    await page.getByText('The connection was lost. Your payment is kept').waitFor();
    await page.context().setOffline(false);
    await page.getByRole('heading', { name: 'The article' }).waitFor();
    expect(await devnet.usdcBalanceOf(buyer.address)).toBe(950_000n);
  });

  it('says that the server is busy, and goes on by itself', async () => {
    facilitator.next('verify', { kind: 'reset' });
    await open('/article', [{ name: 'Rabby' }], { at: moody });
    await press();
    await page.getByText('The server is busy. Your payment is kept').waitFor();
    await page.getByRole('heading', { name: 'The article' }).waitFor();
  });

  it('says that the money may be on its way, and makes no other payment', async () => {
    facilitator.next('settle', { kind: 'hang' });
    const { calls } = await open('/article', [{ name: 'Rabby' }], { at: moody });
    await press();
    await page.getByText('You will not be charged twice: this page asks again by itself.').waitFor();
    expect(await barriersOf(page)).toEqual([]);
    expect(calls[0]?.filter(({ method }) => method === 'eth_signTypedData_v4')).toHaveLength(1);
    expect(facilitator.requests.filter(({ endpoint }) => endpoint === 'settle').at(-1)?.text).toContain('signature');
  });

  it('sends the same payment again when a proxy in between gives up, and pays once', async () => {
    const { calls } = await open('/article', [{ name: 'Rabby' }], {});
    let sent = 0;
    await page.route('**/article', async (route) => {
      if (route.request().headers()['x402-answer'] === undefined) return await route.continue();
      sent += 1;
      if (sent > 1) return await route.continue();
      // The money moves, and the answer does not arrive.
      await route.fetch();
      await route.fulfill({ status: 504, contentType: 'text/html', body: '<h1>504 Gateway Time-out</h1>' });
    });
    await press();
    await page.getByText('The server is busy. Your payment is kept').waitFor();
    await page.getByRole('heading', { name: 'The article' }).waitFor();
    expect(sent).toBe(2);
    expect(calls[0]?.filter(({ method }) => method === 'eth_signTypedData_v4')).toHaveLength(1);
    expect(await devnet.usdcBalanceOf(buyer.address)).toBe(950_000n);
  });

  it('opens what was paid where a proxy drops the receipt', async () => {
    await open('/article', [{ name: 'Rabby' }], {});
    await page.route('**/article', async (route) => {
      const response = await route.fetch();
      const { 'payment-response': _, ...headers } = response.headers();
      await route.fulfill({ response, headers });
    });
    await press();
    await page.getByRole('heading', { name: 'The article' }).waitFor();
    expect(await devnet.usdcBalanceOf(buyer.address)).toBe(950_000n);
  });

  it('is told before the payment that a browser without cookies could not open it', async () => {
    const { calls } = await open('/article', [{ name: 'Rabby' }], {});
    await page.evaluate("Object.defineProperty(Navigator.prototype, 'cookieEnabled', { get: () => false })");
    await press();
    await page.getByText('Your browser keeps no cookies of this site').waitFor();
    expect(calls[0]).toEqual([]);
  });

  it('pays with a wallet that switches the network later than it says', async () => {
    await open('/article', [{ name: 'MetaMask', chainId: 1, switchesLate: 4 }], {});
    await press();
    await page.getByRole('heading', { name: 'The article' }).waitFor();
    expect(await devnet.usdcBalanceOf(buyer.address)).toBe(950_000n);
  });

  it('says that a payment was used already, and sells again', async () => {
    await open('/article', [{ name: 'Rabby' }], {});
    let pending: string[] = [];
    await page.route('**/article', async (route) => {
      if (route.request().headers()['x402-answer'] !== undefined) {
        pending = await page.evaluate<string[]>('Object.entries(localStorage)[0]');
      }
      await route.continue();
    });
    await press();
    await page.getByRole('heading', { name: 'The article' }).waitFor();
    // As a browser that crashed before it could forget.
    await page.evaluate(([name = '', value = '']) => localStorage.setItem(name, value), pending);
    await page.goto(`${gateway.url}/article`);
    await page.getByText('This payment was used already.').waitFor();
    expect(await devnet.usdcBalanceOf(buyer.address)).toBe(950_000n);
    await press();
    await page.getByRole('heading', { name: 'The article' }).waitFor();
    expect(await devnet.usdcBalanceOf(buyer.address)).toBe(900_000n);
  });
});

function filled({ texts }: Language, text: PageText, values: Readonly<Record<string, string>>): string {
  return texts[text].replaceAll(/\{(\w+)\}/g, (place, name: string) => values[name] ?? place);
}
