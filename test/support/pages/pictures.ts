// Takes the pictures of the README from the real pages: `npm run pictures`. Needs Debian's chromium.
import { fileURLToPath } from 'node:url';
import type { Network } from '../../../src/domain/network.ts';
import { openMemoryLedger } from '../../../src/store/memory/memory-ledger.ts';
import { putPayment } from '../admin.ts';
import { findChromium, giveWallet, startBrowser } from '../browser.ts';
import { freshPayer, startDevnet } from '../devnet.ts';
import { startTestGateway } from '../gateway.ts';
import { settings } from '../settings.ts';

const PRICE_TABLE = `
paywall: { title: The Morning Post, colour: "#0f766e" }
routes:
  - { path: /salt, price: $0.05, description: How the sea got its salt }
`;

/** What the made-up buyers buy, and for how much in atomic units of USDC. */
const SALES = [
  ['/salt', 50_000n],
  ['/archive', 250_000n],
  ['/search', 2_000n],
  ['/search', 2_000n],
  ['/translate', 11_500n],
] as const;
/** What they pay on: more than half of them on Base. */
const BASE = ['eip155:8453', '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913'] as const;
const SOLANA = ['solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp', 'EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v'] as const;

const chromium = findChromium();
if (chromium === undefined) throw new Error('there is no chromium on this machine: apt-get install chromium');
const [devnet, browser] = await Promise.all([startDevnet(), startBrowser(chromium)]);
const gateway = await startTestGateway(`${settings(devnet, 'http://127.0.0.1:9')}${PRICE_TABLE}`);
const page = await browser.newPage({ viewport: { width: 560, height: 430 }, locale: 'en-US' });
await giveWallet(page, devnet, await freshPayer(devnet), { name: 'Rabby' });
await page.goto(`${gateway.url}/salt`);
await page.getByRole('button').waitFor();
await page.screenshot({ path: fileURLToPath(new URL('../../../docs/images/paywall.png', import.meta.url)) });
await takeAdminPicture();
await browser.close();
await gateway.close();
await devnet.close();

/** The admin page over a ledger of a month: payments of made-up buyers in every way that they can end. */
async function takeAdminPicture(): Promise<void> {
  const store = openMemoryLedger();
  const now = Date.now();
  await store.beat('process-1', now);
  for (let index = 0; index < 900; index += 1) {
    const daysAgo = Math.floor((index * 29) / 900);
    const claimedAt = now - daysAgo * 86_400_000 - (index % 7) * 60_000;
    const [route, amount] = SALES[(index * 7 + daysAgo) % SALES.length] ?? ['/salt', 50_000n];
    if ((index * 13) % 29 < daysAgo * 0.6) continue;
    const payer = `0x${String(index % 90).padStart(40, '7')}`;
    const [network, asset] = index % 3 === 0 ? SOLANA : BASE;
    const paid = { network: network as Network, asset, route, amount, payer };
    await putPayment(store, { name: `p${index}`, claimedAt, ...paid }, 'settling', 'delivered');
  }
  const [network, asset] = BASE;
  const open = { network: network as Network, asset, route: '/salt', claimedAt: now - 190_000 };
  await putPayment(store, { name: 'open', ...open }, 'settling', 'unknown');
  const owner = await startTestGateway(`${settings(devnet, 'http://127.0.0.1:9')}${PRICE_TABLE}`, { store });
  const view = await browser.newPage({ viewport: { width: 1120, height: 900 }, locale: 'en-US' });
  await view.goto(`${owner.adminUrl}/`);
  await view.locator('svg rect.bar').first().waitFor({ state: 'attached' });
  // To the end of the tables of what was earned: nothing is cut in two.
  const shown = await view.locator('.columns').boundingBox();
  const height = Math.ceil((shown?.y ?? 880) + (shown?.height ?? 0) + 8);
  const path = fileURLToPath(new URL('../../../docs/images/admin.png', import.meta.url));
  await view.screenshot({ path, fullPage: true, clip: { x: 0, y: 0, width: 1120, height } });
  await owner.close();
}
