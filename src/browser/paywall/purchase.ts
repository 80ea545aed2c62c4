import type { PageData, PayableOffer } from '../../paywall/page-data.ts';
import { authorize, paymentHeader } from './authorization.ts';
import { forget, type PendingPayment, remember } from './pending-payment.ts';
import { Problem } from './problem.ts';
import { type PaidReceipt, sendPayment } from './send.ts';
import type { View } from './view.ts';
import { checkBalance, connect, sign, switchNetwork } from './wallet-session.ts';
import type { WalletProvider } from './wallets.ts';

/** Time that settling needs, in seconds. An authorization that ends sooner would be refused. */
const MARGIN_SECONDS = 8;

/** A purchase, from the button to the answer. Its steps run one after the other, and each can end it. */
export class Purchase {
  readonly #view: View;
  /** How far the gateway's clock is ahead of the browser's, in milliseconds. */
  readonly #clockAheadMs: number;
  #busy = false;

  constructor(data: Pick<PageData, 'now'>, view: View) {
    this.#view = view;
    this.#clockAheadMs = data.now - Date.now();
  }

  /** Pays an offer with a wallet. */
  async pay(provider: WalletProvider, offer: PayableOffer): Promise<void> {
    await this.#once(offer.network, async () => {
      const payment = await this.#makePayment(provider, offer);
      // From here on money can move. The payment is stored first, so that no page makes a second one.
      remember(payment);
      await this.#send(payment);
    });
  }

  /** Continues with a payment that an earlier page sent without learning its outcome. */
  async resume(payment: PendingPayment): Promise<void> {
    await this.#once(payment.network, () => this.#send(payment));
  }

  async #once(network: string, work: () => Promise<void>): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    this.#view.begin(network);
    try {
      await work();
    } catch (fault) {
      // The page allows another purchase only after one that failed.
      this.#busy = false;
      forget();
      this.#view.fail(
        fault instanceof Problem ? fault : new Problem('walletFault', 'walletFaultCure', { message: String(fault) }),
      );
    }
  }

  async #makePayment(provider: WalletProvider, offer: PayableOffer): Promise<PendingPayment> {
    const { network, symbol } = offer;
    // What was bought is opened by a cookie. Without cookies a buyer would pay for nothing.
    if (!navigator.cookieEnabled) throw new Problem('noCookies', 'noCookiesCure');
    this.#view.at('connect', 'confirmInWallet');
    const account = await connect(provider);
    this.#view.at('network', 'confirmInWallet');
    await switchNetwork(provider, offer);
    await checkBalance(provider, offer, account);
    this.#view.at('sign', 'confirmInWallet');
    const authorization = authorize(offer, account, this.#now());
    const signature = await sign(provider, offer, authorization);
    const seconds = String(offer.accepted.maxTimeoutSeconds);
    if (this.#now() / 1000 > Number(authorization.validBefore) - MARGIN_SECONDS) {
      throw new Problem('tooLate', 'tooLateCure', { seconds });
    }
    return { header: paymentHeader(offer, authorization, signature), network, symbol, account, seconds };
  }

  async #send(payment: PendingPayment): Promise<void> {
    this.#view.at('settle', 'settling');
    const receipt: PaidReceipt = await sendPayment(payment, (why) => this.#view.at('settle', why));
    forget();
    this.#view.succeed(receipt, () => location.reload());
  }

  #now(): number {
    return Date.now() + this.#clockAheadMs;
  }
}
