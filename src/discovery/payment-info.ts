import { parsePrice } from '../domain/price.ts';
import { PRICES_BY_PROTOCOL } from '../domain/prices-by-protocol.ts';
import type { Route } from '../domain/route.ts';
import { type PaidPrice, paidPrices } from '../domain/route-price.ts';
import type { JsonObject } from '../domain/x402.ts';

/** Where operations state their price: draft-payment-discovery-00 §3, and the form of x402's catalogues beside it. */
export const PAYMENT_INFO = 'x-payment-info';

/**
 * What a route costs, in both forms that are in use: `offers[]` with amounts in atomic units, and `price` with `protocols`.
 * `undefined` for a free route.
 */
export function paymentInfoOf(route: Pick<Route, 'prices' | 'protocols'>): JsonObject | undefined {
  const paid = paidPrices(route);
  if (paid.length === 0) return undefined;
  const offers = route.protocols.flatMap((setting) => paid.flatMap(PRICES_BY_PROTOCOL[setting].infoOf));
  const price = statedPrice(route.prices.length === 1 ? paid[0] : undefined);
  return { offers, price, protocols: route.protocols.map((setting) => ({ [setting]: {} })) };
}

/** @param price the only price of its route; `undefined` where the request decides the price */
function statedPrice(price: PaidPrice | undefined): JsonObject {
  const parsed = price && parsePrice(price.text);
  if (!parsed?.ok || parsed.value.kind === 'free' || parsed.value.kind === 'atomic')
    return { mode: 'dynamic', currency: 'USD' };
  const { kind, decimal } = parsed.value;
  return { mode: 'fixed', amount: decimal, currency: kind === 'usd' ? 'USD' : parsed.value.symbol };
}
