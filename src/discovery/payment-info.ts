import { formatAmount } from '../domain/amount.ts';
import { mppOffersOf } from '../domain/mpp-offer.ts';
import { parsePrice } from '../domain/price.ts';
import type { ProtocolSetting } from '../domain/protocol-setting.ts';
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
  const offers = route.protocols.flatMap((setting) => paid.flatMap(OFFERS[setting]));
  const price = statedPrice(route.prices.length === 1 ? paid[0] : undefined);
  return { offers, price, protocols: route.protocols.map((setting) => ({ [setting]: {} })) };
}

/** The offers of a price in the form of each protocol. */
const OFFERS: Readonly<Record<ProtocolSetting, (price: PaidPrice) => readonly JsonObject[]>> = {
  x402: ({ offers }) =>
    offers.map(({ scheme, network, amount, asset }) => ({
      intent: 'charge',
      method: 'x402',
      amount: formatAmount(amount),
      currency: asset.address,
      scheme,
      network,
    })),
  mpp: (price) =>
    mppOffersOf(price).map(({ network, amount, asset }) => ({
      intent: 'charge',
      method: 'evm',
      amount: formatAmount(amount),
      currency: asset.address,
      network,
    })),
};

/** @param price the only price of its route; `undefined` where the request decides the price */
function statedPrice(price: PaidPrice | undefined): JsonObject {
  const parsed = price && parsePrice(price.text);
  if (!parsed?.ok || parsed.value.kind === 'free' || parsed.value.kind === 'atomic')
    return { mode: 'dynamic', currency: 'USD' };
  const { kind, decimal } = parsed.value;
  return { mode: 'fixed', amount: decimal, currency: kind === 'usd' ? 'USD' : parsed.value.symbol };
}
