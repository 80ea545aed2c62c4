import type { PageText } from './texts/page-text.ts';

/** One way to pay that a wallet in a browser can sign. */
export interface PayableOffer {
  /** As the 402 states it; goes back to the gateway unchanged. */
  readonly accepted: {
    readonly scheme: string;
    readonly network: string;
    readonly amount: string;
    readonly asset: string;
    readonly payTo: string;
    readonly maxTimeoutSeconds: number;
    readonly extra: Readonly<Record<string, unknown>>;
  };
  readonly chainId: number;
  /** For people: `Base`. */
  readonly network: string;
  /** For people: `0.05 USDC`. */
  readonly price: string;
  readonly symbol: string;
  readonly decimals: number;
  /** The EIP-712 domain of the token. */
  readonly domain: { readonly name: string; readonly version: string };
}

/** What the page's script works with: JSON in the page. */
export interface PageData {
  /** The gateway's time when the page was made, in Unix milliseconds: signed payments expire by this clock. */
  readonly now: number;
  readonly locale: string;
  readonly offers: readonly PayableOffer[];
  /** The seller's price text, if it is in dollars. */
  readonly dollars: string | undefined;
  readonly texts: Readonly<Record<PageText, string>>;
}

/** The element that holds {@link PageData}. */
export const DATA_ELEMENT = 'paywall-data';

/**
 * Header of a paying request whose answer is opened by a navigation afterwards, and of an API's answer to it that the
 * route does not charge.
 */
export const ANSWER_LATER = { name: 'X402-Answer', value: 'later', uncharged: 'uncharged' } as const;
