import type { Offer } from '../domain/offer.ts';
import type { PaywallTerms } from '../domain/paywall.ts';
import { escapeHtml, scriptJson } from './escape.ts';
import { say } from './language.ts';
import { DATA_ELEMENT, type PageData } from './page-data.ts';
import { passTerms } from './pass-terms.ts';
import { payableOffers, priceIn } from './payable.ts';
import type { PageSubject } from './paywall.ts';
import type { Language, PageText } from './texts/page-text.ts';

/** The parts of a page besides its subject. */
export interface PageParts {
  readonly language: Language;
  readonly terms: PaywallTerms;
  readonly networkName: (network: string) => string;
  /** Unix milliseconds. */
  readonly now: number;
  readonly script: string;
  readonly styles: readonly string[];
}

/** Writes the page. All content that needs no script is in the HTML. */
export function pageHtml(subject: PageSubject, parts: PageParts): string {
  const { language, terms, script, styles } = parts;
  const seller = terms.title ?? new URL(subject.resourceUrl).host;
  const [first] = subject.price.offers;
  const isNotice = subject.code === 'payment_in_progress' || subject.code === 'settlement_unknown';
  const title = isNotice || first === undefined ? say(language, 'waiting') : `${moneyOf(subject, first)} · ${seller}`;
  const main = isNotice || first === undefined ? notice(language) : offer(subject, first, parts);
  const data = isNotice ? '' : dataElement(subject, parts);
  return [
    `<!doctype html><html lang="${language.tag}" dir="${language.direction}"><head><meta charset="utf-8">`,
    '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark">',
    `<meta name="robots" content="noindex"><title>${escapeHtml(title)}</title>`,
    '<link rel="icon" href="data:,">',
    ...styles.map((style) => `<style>${style}</style>`),
    `</head><body><main>${header(seller, terms.logo)}${main}</main>${data}`,
    isNotice ? '' : `<script>${script}</script>`,
    '</body></html>',
  ].join('');
}

function header(seller: string, logo: string | undefined): string {
  const image = logo === undefined ? '' : `<img src="${escapeHtml(logo)}" alt="" width="32" height="32">`;
  return `<header>${image}<span><bdi>${escapeHtml(seller)}</bdi></span></header>`;
}

function offer(subject: PageSubject, first: Offer, { language, networkName }: PageParts): string {
  const { price, code, paidBefore } = subject;
  const text = (name: PageText, values: Readonly<Record<string, string>> = {}): string =>
    escapeHtml(say(language, name, values));
  const payable = payableOffers(subject.price.offers, networkName);
  const terms =
    first.access === undefined ? text('buysOnce') : text('buysPass', { terms: passTerms(first.access, language) });
  const money = escapeHtml(moneyOf(subject, first));
  const exact = escapeHtml(priceIn(first));
  const network = payable[0]?.network ?? networkName(first.network);
  const hint = hintOf(code, paidBefore);
  return [
    `<h1>${price.description === undefined ? text('heading') : `<bdi>${escapeHtml(price.description)}</bdi>`}</h1>`,
    hint === undefined ? '' : `<p class="hint">${text(hint)}</p>`,
    `<p class="price"><span class="sr">${text('priceLabel')}: </span><strong><bdi>${money}</bdi></strong>`,
    `<span class="exact"><bdi>${exact}</bdi> ${text('onNetwork', { network })}</span></p>`,
    `<p class="terms">${terms}</p>`,
    payable.length === 0
      ? `<div class="problem"><p>${text('notForBrowsers')}</p><p>${text('notForBrowsersCure')}</p></div>`
      : `<noscript><p class="problem">${text('noScript')}</p></noscript><div id="checkout"></div>`,
    '<p id="status" role="status" aria-live="polite"></p><div id="problem" role="alert"></div>',
    payable.length === 0 ? '' : `<p class="small">${text('noGas')}</p>`,
    `<p class="small">${text('sellerAccount')} <code dir="ltr">${escapeHtml(first.payTo)}</code></p>`,
  ].join('');
}

function hintOf(code: PageSubject['code'], paidBefore: boolean): PageText | undefined {
  switch (code) {
    case 'access_token_expired':
    case 'access_token_revoked':
    case 'access_quota_exhausted':
      return 'passEnded';
    default:
      return paidBefore ? 'alreadyOpened' : undefined;
  }
}

function notice(language: Language): string {
  return `<h1>${escapeHtml(say(language, 'waiting'))}</h1><p>${escapeHtml(say(language, 'waitingCure'))}</p>`;
}

/** The seller's price text if it is in dollars, else the price in the token. */
function moneyOf(subject: PageSubject, first: Offer): string {
  return dollarsOf(subject) ?? priceIn(first);
}

function dollarsOf({ price: { text } }: PageSubject): string | undefined {
  return text.startsWith('$') ? text : undefined;
}

function dataElement(subject: PageSubject, { language, networkName, now }: PageParts): string {
  const { offers } = subject.price;
  const data: PageData = {
    now,
    dollars: dollarsOf(subject),
    locale: language.tag,
    offers: payableOffers(offers, networkName),
    texts: language.texts,
  };
  return `<script type="application/json" id="${DATA_ELEMENT}">${scriptJson(data)}</script>`;
}
