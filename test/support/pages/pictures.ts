// Takes the pictures of the README from the real pages: `npm run pictures`. Needs Debian's chromium.
import { fileURLToPath } from 'node:url';
import { findChromium, giveWallet, startBrowser } from '../browser.ts';
import { freshPayer, startDevnet } from '../devnet.ts';
import { startTestGateway } from '../gateway.ts';
import { settings } from '../settings.ts';

const PRICE_TABLE = `
paywall: { title: The Morning Post, colour: "#0f766e" }
routes:
  - { path: /salt, price: $0.05, description: How the sea got its salt }
`;

const chromium = findChromium();
if (chromium === undefined) throw new Error('there is no chromium on this machine: apt-get install chromium');
const [devnet, browser] = await Promise.all([startDevnet(), startBrowser(chromium)]);
const gateway = await startTestGateway(`${settings(devnet, 'http://127.0.0.1:9')}${PRICE_TABLE}`);
const page = await browser.newPage({ viewport: { width: 560, height: 430 }, locale: 'en-US' });
await giveWallet(page, devnet, await freshPayer(devnet), { name: 'Rabby' });
await page.goto(`${gateway.url}/salt`);
await page.getByRole('button').waitFor();
await page.screenshot({ path: fileURLToPath(new URL('../../../docs/images/paywall.png', import.meta.url)) });
await browser.close();
await gateway.close();
await devnet.close();
