import type { PageData, PayableOffer } from '../../paywall/page-data.ts';
import { authorize, paymentHeader } from './authorization.ts';
import { forget, type PendingPayment, remember } from './pending-payment.ts';
import { Problem } from './problem.ts';
import { type PaidReceipt, sendPayment } from './send.ts';
import type { View } from './view.ts';
import { checkBalance, connect, sign, switchNetwork } from './wallet-session.ts';
import type { WalletProvider } from './wallets.ts';

/** Seconds that settling needs: what ends sooner would be refused. */
const MARGIN_SECONDS = 8;

/** A purchase, from the press of the button to what was bought: one step after the other, each of which may end it. */
export class Purchase {
  readonly #view: View;
  /** How far the gateway's clock is ahead of this one, in milliseconds. */
  readonly #ahead: number;
  #busy = false;

  constructor(data: Pick<PageData, 'now'>, view: View) {
    this.#view = view;
    this.#ahead = data.now - Date.now();
  }

  /** Pays an offer with a wallet. */
  async pay(provider: WalletProvider, offer: PayableOffer): Promise<void> {
    await this.#once(offer.network, async () => {
      const payment = await this.#makePayment(provider, offer);
      // From here on money can move: whatever happens to this page, the payment is asked about and not made again.
      remember(payment);
      await this.#send(payment);
    });
  }

  /** Goes on with a payment that an earlier page sent and got no answer to. */
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
      // Only a purchase that failed may be followed by another on this page.
      this.#busy = false;
      forget();
      this.#view.fail(
        fault instanceof Problem ? fault : new Problem('walletFault', 'walletFaultCure', { message: String(fault) }),
      );
    }
  }

  async #makePayment(provider: WalletProvider, offer: PayableOffer): Promise<PendingPayment> {
    const { network, symbol } = offer;
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
    return Date.now() + this.#ahead;
  }
}
