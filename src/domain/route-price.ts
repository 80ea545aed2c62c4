import type { RouteAccess } from './access.ts';
import type { ChargeRule } from './charge-rule.ts';
import type { Metering } from './metered-price.ts';
import type { Offer } from './offer.ts';
import { type When, whenText } from './when.ts';

/** When the money moves, relative to the upstream's work. See `docs/lifecycle.md`. */
export type SettleMode = 'after' | 'before' | 'deferred';

/**
 * When a facilitator verifies a payment. `auto`: before it is claimed, except where its settlement comes first and decides
 * alone. `always`: before it is claimed. `alongside`: safe calls that are settled after the answer are verified while the
 * upstream works.
 */
export type VerifyMode = 'auto' | 'always' | 'alongside';

/** The facts of every price, paid or free. */
interface PriceFacts {
  /**
   * Stable id for the ledger, metrics of payments and passes, unique in the table: the route's name, and where the route
   * has several prices, `#` and the name of the entry after it.
   */
  readonly id: string;
  /** The requests of the route that it is for. Empty: all requests that no earlier price is for. */
  readonly when: When;
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
  /** Absent: `auto`. */
  readonly verify?: Exclude<VerifyMode, 'auto'>;
  /** How what was used becomes the charge, up to the amount of the offer; `undefined` where the amount is the charge. */
  readonly metering: Metering | undefined;
  /** Which answers are charged where the API works before the money moves. */
  readonly charge: ChargeRule;
  /** How passes open requests of this price; `undefined` where each call is paid for. */
  readonly access: RouteAccess | undefined;
  /** The parts of the sum, where the price was made for one request with several calls. */
  readonly parts?: readonly PricePart[];
}

/** A price and how often a request pays it. */
export interface PricePart {
  readonly price: PaidPrice;
  readonly count: number;
}

/** One price of a route. */
export type RoutePrice = FreePrice | PaidPrice;

/** What has prices: a route. */
interface Priced {
  readonly prices: readonly RoutePrice[];
}

/** The name of the route in the id of a price. */
export function routeNameOf(id: string): string {
  const [name = id] = id.split('#', 1);
  return name;
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

/** What a buyer of a route gets: the first description among its prices. */
export function descriptionOf({ prices }: Priced): string | undefined {
  return prices.find(({ description }) => description !== undefined)?.description;
}

/** Whether every request of a route is free, whatever it asks. */
export function isFreeToAll({ prices: [only] }: Priced): boolean {
  return only?.kind === 'free' && only.when.length === 0;
}

/** Which requests of its route a price is for, in a few words for people; `the rest` where it has no conditions. */
export function requestsText({ when }: RoutePrice): string {
  return whenText(when);
}

/** The prices of a route as the file puts them, for people, each once: `$0.001 or free`. */
export function pricesText({ prices }: Priced): string {
  return [...new Set(prices.map((price) => (price.kind === 'free' ? 'free' : price.text)))].join(' or ');
}

/** The highest of some prices, and of equal ones the first. Free is the lowest. */
export function dearestOf(prices: readonly RoutePrice[]): RoutePrice {
  const [first, ...others] = prices;
  if (first === undefined) throw new Error('there is no price');
  return others.reduce((dearest, price) => (weightOf(price) > weightOf(dearest) ? price : dearest), first);
}

/** Whether a request could cost more by one price than by another: by its highest offer, or by its rates. */
export function mayCostMore(one: RoutePrice, other: RoutePrice): boolean {
  if (one.kind === 'free') return false;
  return weightOf(one) > weightOf(other) || other.kind === 'free' || one.metering !== other.metering;
}

/** Most decimals that an asset can have. */
const MOST_DECIMALS = 36;

/** A price in whole tokens, by its highest offer: a number to compare with, not to charge. */
export function weightOf(price: RoutePrice): bigint {
  if (price.kind === 'free') return 0n;
  const weights = price.offers.map(({ amount, asset }) => amount * 10n ** BigInt(MOST_DECIMALS - asset.decimals));
  return weights.reduce((most, weight) => (weight > most ? weight : most), 0n);
}
