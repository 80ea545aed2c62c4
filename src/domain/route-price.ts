import type { RouteAccess } from './access.ts';
import type { ChargeRule } from './charge-rule.ts';
import type { Offer } from './offer.ts';

/** When the money moves, seen from the upstream's work. Contract §5 "Settle modes". */
export type SettleMode = 'after' | 'before' | 'deferred';

/** What is true of a price, paid or not. */
interface PriceFacts {
  /**
   * Stable id for the ledger, metrics of payments and passes, unique in the table: the route's name, and where the route
   * has several prices, `#` and the name of the entry after it.
   */
  readonly id: string;
  /** What a buyer gets. */
  readonly description: string | undefined;
}

/** Requests that cost nothing. */
export interface FreePrice extends PriceFacts {
  readonly kind: 'free';
}

/** Requests that are paid for: everything about them that concerns money. */
export interface PaidPrice extends PriceFacts {
  readonly kind: 'priced';
  /** The price as the file puts it, for people: `$0.001`. */
  readonly text: string;
  readonly offers: readonly Offer[];
  readonly settle: SettleMode;
  /** Which answers are charged where the API works before the money moves. */
  readonly charge: ChargeRule;
  /** How passes open what costs this; `undefined` where each call is paid for. */
  readonly access: RouteAccess | undefined;
}

/** One price of a route. */
export type RoutePrice = FreePrice | PaidPrice;

/** What has prices: a route. */
interface Priced {
  readonly prices: readonly RoutePrice[];
}

/** The prices of a route that are paid, in the order of the file. */
export function paidPrices({ prices }: Priced): readonly PaidPrice[] {
  return prices.filter((price) => price.kind === 'priced');
}

/** Whether some request of a route has to be paid for. */
export function isPriced({ prices }: Priced): boolean {
  return prices.some(({ kind }) => kind === 'priced');
}

/** Whether some price of a route sells passes. */
export function sellsPasses(route: Priced): boolean {
  return paidPrices(route).some(({ access }) => access !== undefined);
}

/** What a buyer of a route gets, as its first price that says so says it. */
export function descriptionOf({ prices }: Priced): string | undefined {
  return prices.find(({ description }) => description !== undefined)?.description;
}

/** The prices of a route as the file puts them, for people, each once: `$0.001 or free`. */
export function pricesText({ prices }: Priced): string {
  return [...new Set(prices.map((price) => (price.kind === 'free' ? 'free' : price.text)))].join(' or ');
}
