import { readFileSync } from 'node:fs';
import { ERROR_CODES, type ErrorCode } from '../domain/gateway-error.ts';
import type { PaywallTerms } from '../domain/paywall.ts';
import type { RequestHeaders } from '../domain/request-head.ts';
import type { PaidPrice } from '../domain/route-price.ts';
import { brandStyle } from './brand-style.ts';
import { chooseLanguage } from './language.ts';
import { ANSWER_LATER } from './page-data.ts';
import { pageHtml } from './page-html.ts';
import { pagePolicy } from './page-policy.ts';
import { prefersHtml } from './preference.ts';

/** Two levels up from here both as `src/paywall` and as `dist/paywall`. */
const ASSETS = new URL('../../config/pages/', import.meta.url);

/** The parts of a request that the page depends on. */
export interface Asker {
  readonly method: string;
  readonly headers: RequestHeaders;
  /** Whether it brings a payment in a header, as machines do. */
  readonly paying: boolean;
}

/** What the page is about. */
export interface PageSubject {
  readonly code: ErrorCode;
  readonly price: PaidPrice;
  /** The URL that is being paid for. */
  readonly resourceUrl: string;
  /** Whether the browser paid for this very page before. */
  readonly paidBefore: boolean;
}

/** A page to send. */
export interface Page {
  readonly html: string;
  /** Flat list of names and values. */
  readonly headers: readonly string[];
}

/** What a page is made with besides its subject. */
export interface PaywallTools {
  readonly networkName: (network: string) => string;
  /** Unix milliseconds. */
  readonly clock: () => number;
}

/** Codes shown to people as a notice without an offer: money may have moved. */
const NOTICES: ReadonlySet<ErrorCode> = new Set(['payment_in_progress', 'settlement_unknown']);

/** The 402 page for people. Its values come from outside, and are escaped where they are inserted. */
export class Paywall {
  readonly #terms: PaywallTerms;
  readonly #tools: PaywallTools;
  readonly #script = readAsset('paywall.js');
  readonly #styles: readonly string[];
  readonly #policy: string;

  constructor(terms: PaywallTerms, tools: PaywallTools) {
    this.#terms = terms;
    this.#tools = tools;
    this.#styles = [readAsset('paywall.css'), brandStyle(terms.colour)];
    const images = terms.logo?.startsWith('/') ? "data: 'self'" : 'data:';
    this.#policy = pagePolicy({ script: this.#script, styles: this.#styles, images });
  }

  /**
   * The page for a client, or `undefined` where the client is no browser that navigates to a page: it does not prefer
   * HTML, sends a payment itself, or is a script of a page.
   */
  page(asker: Asker, subject: PageSubject): Page | undefined {
    if (!isTold(subject.code) || !isNavigation(asker)) return undefined;
    const language = chooseLanguage(asker.headers['accept-language']?.toString());
    const html = pageHtml(subject, {
      language,
      terms: this.#terms,
      networkName: this.#tools.networkName,
      now: this.#tools.clock(),
      script: this.#script,
      styles: this.#styles,
    });
    return { html, headers: [...this.#headers(), 'Content-Language', language.tag] };
  }

  #headers(): readonly string[] {
    return [
      ...['Content-Security-Policy', this.#policy, 'X-Frame-Options', 'DENY', 'X-Content-Type-Options', 'nosniff'],
      ...['Referrer-Policy', 'same-origin', 'Cross-Origin-Opener-Policy', 'same-origin-allow-popups'],
      ...['Vary', 'Accept, Accept-Language'],
    ];
  }
}

function isTold(code: ErrorCode): boolean {
  return ERROR_CODES[code].status === 402 || NOTICES.has(code);
}

function isNavigation({ method, headers, paying }: Asker): boolean {
  if ((method !== 'GET' && method !== 'HEAD') || paying) return false;
  if (headers[ANSWER_LATER.name.toLowerCase()] !== undefined) return false;
  const mode = headers['sec-fetch-mode'];
  if (mode !== undefined && mode !== 'navigate') return false;
  const { accept } = headers;
  return prefersHtml(accept?.toString());
}

function readAsset(name: string): string {
  return readFileSync(new URL(name, ASSETS), 'utf8');
}
