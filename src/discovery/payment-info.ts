import { formatAmount } from '../domain/amount.ts';
import { parsePrice } from '../domain/price.ts';
import type { Route } from '../domain/route.ts';
import type { JsonObject } from '../domain/x402.ts';

/** Where operations state their price: draft-payment-discovery-00 §3, and the form of x402's catalogues beside it. */
export const PAYMENT_INFO = 'x-payment-info';

/**
 * The price of a route, in both forms that are in use: `offers[]` with amounts in atomic units, and `price` with `protocols`.
 * `undefined` for a free route.
 */
export function paymentInfoOf({ price }: Pick<Route, 'price'>): JsonObject | undefined {
  if (price.kind === 'free') return undefined;
  const offers = price.offers.map(({ scheme, network, amount, asset }) => ({
    intent: 'charge',
    method: 'x402',
    amount: formatAmount(amount),
    currency: asset.address,
    scheme,
    network,
  }));
  return { offers, price: statedPrice(price.text), protocols: [{ x402: {} }] };
}

function statedPrice(text: string): JsonObject {
  const parsed = parsePrice(text);
  if (!parsed.ok || parsed.value.kind === 'free' || parsed.value.kind === 'atomic')
    return { mode: 'dynamic', currency: 'USD' };
  const { kind, decimal } = parsed.value;
  return { mode: 'fixed', amount: decimal, currency: kind === 'usd' ? 'USD' : parsed.value.symbol };
}
