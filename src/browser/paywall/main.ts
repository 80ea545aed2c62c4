import { DATA_ELEMENT, type PageData } from '../../paywall/page-data.ts';
import { recall } from './pending-payment.ts';
import { Purchase } from './purchase.ts';
import { View } from './view.ts';
import { findWallets, type Wallet } from './wallets.ts';

/** Time for wallets to announce themselves, in milliseconds. After it the page says that there is none. */
const ANNOUNCE_MS = 400;

const data: PageData = JSON.parse(document.getElementById(DATA_ELEMENT)?.textContent ?? 'null');
if (data.offers.length > 0) begin();

function begin(): void {
  const view = new View(data);
  const purchase = new Purchase(data, view);
  let isShown = false;
  const show = (wallets: readonly Wallet[]): void => {
    isShown = true;
    view.showWallets(wallets, ({ provider }) => {
      const { offer } = view;
      if (offer !== undefined) void purchase.pay(provider, offer);
    });
  };
  findWallets((wallets) => {
    if (wallets.length > 0) show(wallets);
  });
  setTimeout(() => {
    if (!isShown) show([]);
  }, ANNOUNCE_MS);
  const pending = recall();
  if (pending !== undefined) void purchase.resume(pending);
}
