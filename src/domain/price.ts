import { type Amount, formatAmount, parseAmount } from './amount.ts';

/**
 * A price as the price table states it, before it meets an asset.
 *
 * `decimal` is kept as text: it becomes an {@link Amount} only through {@link priceInUnits}, which never rounds.
 */
export type Price =
  | { readonly kind: 'free' }
  | { readonly kind: 'usd'; readonly decimal: string }
  | { readonly kind: 'token'; readonly decimal: string; readonly symbol: string }
  | { readonly kind: 'atomic'; readonly amount: Amount; readonly asset: string };

/** A price other than `free`. */
export type PaidPrice = Exclude<Price, { kind: 'free' }>;

/** A parsed value, or what is wrong with the text and what would be right. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly wrong: string; readonly right: string };

const DECIMAL = /^(0|[1-9]\d*)(\.\d+)?$/;
const TOKEN_PRICE = /^(\S+) +([A-Za-z][A-Za-z0-9.₮]*)$/;
const RIGHT = 'free, $0.001, or 0.25 USDC';

/** Writes a price as a price table does; one in atomic units with its asset. */
export function formatPrice(price: Price): string {
  switch (price.kind) {
    case 'free':
      return 'free';
    case 'usd':
      return `$${price.decimal}`;
    case 'token':
      return `${price.decimal} ${price.symbol}`;
    case 'atomic':
      return `${formatAmount(price.amount)} units of ${price.asset}`;
  }
}

/** Reads the text forms of a price: `free`, `$0.001`, `0.25 USDC`. A price of zero must be written `free`. */
export function parsePrice(text: string): Parsed<Price> {
  if (text === 'free') return { ok: true, value: { kind: 'free' } };
  if (text.trim() === '') return { ok: false, wrong: 'the price is empty', right: RIGHT };
  if (text.startsWith('$')) return usdPrice(text.slice(1), text);
  const token = TOKEN_PRICE.exec(text);
  if (token?.[1] !== undefined && token[2] !== undefined) {
    const decimal = parseDecimal(token[1], text);
    if (!decimal.ok) return decimal;
    return { ok: true, value: { kind: 'token', decimal: decimal.value, symbol: token[2] } };
  }
  if (DECIMAL.test(text)) {
    if (/^[0.]+$/.test(text)) return zeroPrice();
    return { ok: false, wrong: `the price ${text} has no currency`, right: `$${text} or ${text} USDC` };
  }
  return { ok: false, wrong: `${JSON.stringify(text)} is not a price`, right: RIGHT };
}

/** Reads the long form of a price, whose amount is already in the asset's atomic units. */
export function parseAtomicPrice(amountText: unknown, asset: string): Parsed<Price> {
  const amount = parseAmount(amountText);
  if (amount === undefined) {
    return {
      ok: false,
      wrong: `the amount ${JSON.stringify(amountText)} is not a plain decimal integer in quotes`,
      right: 'atomic units without sign, point or exponent, such as "10000"',
    };
  }
  if (amount === 0n) return zeroPrice();
  return { ok: true, value: { kind: 'atomic', amount, asset } };
}

/**
 * Turns a decimal price into atomic units, exactly.
 *
 * Refuses a price with more digits than the asset has: rounding would charge something else than what is written,
 * and `$0.0000001` in a six-digit asset would be free.
 */
export function priceInUnits(decimal: string, decimals: number): Parsed<Amount> {
  const [whole = '0', fraction = ''] = decimal.split('.');
  if (fraction.length > decimals) {
    return {
      ok: false,
      wrong: `the price ${decimal} has ${fraction.length} digits after the point, the asset has ${decimals}`,
      right: `at most ${decimals} digits after the point`,
    };
  }
  const amount = parseAmount((whole + fraction.padEnd(decimals, '0')).replace(/^0+(?=\d)/, ''));
  if (amount === undefined) {
    return { ok: false, wrong: `the price ${decimal} is more than a token can hold`, right: 'a smaller price' };
  }
  return amount === 0n ? zeroPrice() : { ok: true, value: amount };
}

function usdPrice(decimalText: string, text: string): Parsed<Price> {
  const decimal = parseDecimal(decimalText, text);
  return decimal.ok ? { ok: true, value: { kind: 'usd', decimal: decimal.value } } : decimal;
}

function parseDecimal(decimal: string, text: string): Parsed<string> {
  if (!DECIMAL.test(decimal)) {
    return {
      ok: false,
      wrong: `${JSON.stringify(text)} is not a price: ${JSON.stringify(decimal)} is not a plain decimal number`,
      right: 'digits with at most one point, no sign and no exponent, such as $0.001',
    };
  }
  return /^[0.]+$/.test(decimal) ? zeroPrice() : { ok: true, value: decimal };
}

function zeroPrice(): { ok: false; wrong: string; right: string } {
  return { ok: false, wrong: 'a price of zero is ambiguous', right: 'free, when the route shall cost nothing' };
}
