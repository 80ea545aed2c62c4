import type { PageData, PayableOffer } from '../../paywall/page-data.ts';
import type { PageText } from '../../paywall/texts/page-text.ts';
import type { Problem } from './problem.ts';
import type { PaidReceipt } from './send.ts';
import type { Wallet } from './wallets.ts';

const STEPS = ['connect', 'network', 'sign', 'settle', 'open'] as const;
/** A step of a purchase. */
export type Step = (typeof STEPS)[number];

const STEP_TEXT = {
  connect: 'stepConnect',
  network: 'stepNetwork',
  sign: 'stepSign',
  settle: 'stepSettle',
  open: 'stepOpen',
} as const satisfies Record<Step, PageText>;

/** How long a receipt is shown before the page opens the answer, in milliseconds. */
const OPEN_AFTER_MS = 1500;

/** The parts of the page that change. Texts of wallets, sellers and servers go in as text nodes, never as HTML. */
export class View {
  readonly #data: PageData;
  readonly #checkout = byId('checkout');
  readonly #status = byId('status');
  readonly #problem = byId('problem');
  readonly #networks: HTMLElement;
  readonly #wallets = element('div', { id: 'wallets' });
  readonly #steps = element('ol', { id: 'steps', hidden: '' });
  #network = '';
  #isPaid = false;

  constructor(data: PageData) {
    this.#data = data;
    this.#networks = this.#networkChoice();
    this.#checkout.replaceChildren(this.#networks, this.#wallets, this.#steps);
  }

  /** The chosen offer. */
  get offer(): PayableOffer | undefined {
    const chosen = this.#networks.querySelector<HTMLInputElement>('input:checked');
    return this.#data.offers[Number(chosen?.value ?? 0)];
  }

  /** A text in the page's language, with its placeholders filled in. */
  text(name: PageText, values: Readonly<Record<string, string>> = {}): string {
    return this.#data.texts[name].replace(/\{(\w+)\}/g, (place, key: string) => values[key] ?? place);
  }

  /**
   * Shows the wallets. One may announce itself at any time: during a purchase its button is disabled like the others, and
   * after one the receipt stays.
   */
  showWallets(wallets: readonly Wallet[], choose: (wallet: Wallet) => void): void {
    if (this.#isPaid) return;
    if (wallets.length === 0) {
      this.#wallets.replaceChildren(this.#words('noWallet', 'noWalletCure'));
      return;
    }
    const buttons = wallets.map((wallet) => this.#walletButton(wallet, wallets.length > 1, choose));
    if (wallets.length === 1) this.#wallets.replaceChildren(...buttons);
    else {
      const group = element('div', { role: 'group', 'aria-labelledby': 'wallets-label', class: 'group' });
      group.append(element('p', { id: 'wallets-label', class: 'label' }, this.text('chooseWallet')), ...buttons);
      this.#wallets.replaceChildren(group);
    }
    if (this.#checkout.classList.contains('busy')) this.#disable();
  }

  /** Shows that a purchase begins. */
  begin(network: string): void {
    this.#network = network;
    this.#problem.replaceChildren();
    this.#steps.hidden = false;
    this.#checkout.classList.add('busy');
    this.#disable();
  }

  /** Shows the step that the purchase is at. */
  at(step: Step, status: PageText): void {
    const now = STEPS.indexOf(step);
    const items = STEPS.map((each, index) => {
      const item = element('li', index === now ? { 'aria-current': 'step' } : index < now ? { class: 'done' } : {});
      item.append(element('span', {}, this.text(STEP_TEXT[each], { network: this.#network })));
      if (index <= now)
        item.append(element('span', { class: 'sr' }, ` (${this.text(index < now ? 'stepDone' : 'stepNow')})`));
      return item;
    });
    this.#steps.replaceChildren(...items);
    this.#status.textContent = this.text(status);
  }

  /** Shows why the purchase stopped. The buttons work again. */
  fail({ what, cure, values }: Problem): void {
    this.#idle();
    this.#steps.hidden = true;
    this.#problem.replaceChildren(this.#words(what, cure, values));
  }

  /** Shows the receipt. The answer opens after a moment, or by the button. */
  succeed({ transaction, payer }: PaidReceipt, open: () => void): void {
    this.#isPaid = true;
    this.at('open', 'opening');
    const box = element('section', { class: 'receipt', 'aria-labelledby': 'receipt-label' });
    const list = element('dl', {});
    for (const [name, value] of [
      ['transaction', transaction],
      ['payer', payer],
    ] as const) {
      const shown = element('dd', { dir: 'ltr' });
      shown.append(element('code', {}, value));
      list.append(element('dt', {}, this.text(name)), shown);
    }
    const button = element('button', { type: 'button', class: 'pay' }, this.text('openNow'));
    button.addEventListener('click', open);
    box.append(
      element('h2', { id: 'receipt-label' }, `✓ ${this.text('paid')} · ${this.text('receipt')}`),
      list,
      button,
    );
    this.#networks.hidden = true;
    this.#steps.hidden = true;
    this.#wallets.replaceChildren(box);
    button.focus();
    setTimeout(open, OPEN_AFTER_MS);
  }

  #disable(): void {
    for (const button of this.#wallets.querySelectorAll('button')) button.setAttribute('aria-disabled', 'true');
  }

  #idle(): void {
    this.#status.textContent = '';
    this.#checkout.classList.remove('busy');
    for (const button of this.#wallets.querySelectorAll('button')) button.removeAttribute('aria-disabled');
  }

  #walletButton(wallet: Wallet, several: boolean, choose: (wallet: Wallet) => void): HTMLElement {
    const label = several
      ? this.text('payWith', { wallet: wallet.name ?? this.text('browserWallet') })
      : this.text('pay', { price: this.#data.dollars ?? this.offer?.price ?? '' });
    const button = element('button', { type: 'button', class: 'pay wallet' });
    if (wallet.icon !== undefined && several)
      button.append(element('img', { src: wallet.icon, alt: '', width: '24', height: '24' }));
    button.append(element('span', {}, label));
    button.addEventListener('click', () => choose(wallet));
    return button;
  }

  #networkChoice(): HTMLElement {
    const { offers } = this.#data;
    const box = element('fieldset', { class: 'networks' });
    if (offers.length < 2) box.hidden = true;
    box.append(element('legend', {}, this.text('chooseNetwork')));
    offers.forEach((offer, index) => {
      const label = element('label', {});
      const input = element('input', { type: 'radio', name: 'network', value: String(index) });
      if (index === 0) input.setAttribute('checked', '');
      label.append(input, element('span', {}, `${offer.network} · ${offer.price}`));
      box.append(label);
    });
    return box;
  }

  #words(what: PageText, cure: PageText, values: Readonly<Record<string, string>> = {}): HTMLElement {
    const box = element('div', { class: 'problem' });
    box.append(element('p', {}, this.text(what, values)), element('p', {}, this.text(cure, values)));
    return box;
  }
}

function element(name: string, attributes: Readonly<Record<string, string>>, text = ''): HTMLElement {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
}
