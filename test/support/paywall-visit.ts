import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { giveWallet, type WalletCall, type WalletConduct } from './browser.ts';
import type { Devnet, Payer } from './devnet.ts';

/** A browser in front of the page on which people pay. */
export interface PaywallVisit {
  readonly page: Page;
  /** What each wallet was asked. */
  readonly calls: readonly (readonly WalletCall[])[];
  /** Origins that were asked for anything. */
  readonly asked: ReadonlySet<string>;
  /** Errors of the page, and what its policy refused. */
  readonly faults: readonly string[];
}

/** Who comes with what. */
export interface Visitor {
  readonly payer: Pick<Payer, 'key' | 'address'>;
  /** Default: one wallet that agrees to everything. */
  readonly wallets?: readonly WalletConduct[] | undefined;
  readonly options?: BrowserContextOptions | undefined;
  /** Whether a receipt is shown until its button is pressed. Default: what was bought opens by itself. */
  readonly receiptStays?: boolean | undefined;
}

/** Opens a page in a browser context of its own, which goes with the page. */
export async function visitPaywall(
  browser: Browser,
  devnet: Devnet,
  url: string,
  { payer, wallets = [{ name: 'Rabby' }], options = {}, receiptStays = false }: Visitor,
): Promise<PaywallVisit> {
  const page = await (await browser.newContext(options)).newPage();
  const asked = new Set<string>();
  const faults: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith('data:')) asked.add(new URL(request.url()).origin);
  });
  page.on('pageerror', (fault) => faults.push(String(fault)));
  page.on('console', (message) => {
    if (/Content Security Policy|Uncaught/.test(message.text())) faults.push(message.text());
  });
  const calls: (readonly WalletCall[])[] = [];
  for (const conduct of wallets) calls.push(await giveWallet(page, devnet, payer, conduct));
  if (receiptStays) await page.addInitScript(keepReceipt);
  await page.goto(url);
  return { page, calls, asked, faults };
}

/** Runs in the page: what was bought opens by the button only. A busy machine would miss what is shown for 1.5 seconds. */
function keepReceipt(): void {
  const scope: { setTimeout: (run: () => void, ms?: number) => unknown } = globalThis;
  const plain = scope.setTimeout;
  scope.setTimeout = (run, ms) => (ms === 1500 ? undefined : plain(run, ms));
}
