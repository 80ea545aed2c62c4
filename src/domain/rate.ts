import { type Decimal, parseDecimal } from './decimal.ts';

/** The quantities that can be counted in an answer, each with a price of its own. A unit counts in one of them only. */
export const DIMENSIONS = [
  /** Tokens that were read, without those of the next two. */
  'input',
  /** Tokens that were read from a cache. */
  'cachedInput',
  /** Tokens that were written to a cache. */
  'cacheWrite',
  /** Tokens that were generated, including those of reasoning. */
  'output',
  /** What the answer says that it cost, in the price's own currency. */
  'cost',
  /** What a header or a member of the answer counts: credits, rows, calls. */
  'unit',
  /** Bytes of the answer's body. */
  'bytes',
  /** Seconds that the answer took, or that the answer states. */
  'seconds',
] as const;

/** A thing that is counted. */
export type Dimension = (typeof DIMENSIONS)[number];

/** What was used: how much in each dimension. A dimension that is absent was not used. */
export type Figures = ReadonlyMap<Dimension, Decimal>;

/** A price of so many units: `price` for each `per` of them, in whole units of the currency. */
export interface Rate {
  readonly price: Decimal;
  /** Units that `price` buys. At least 1. */
  readonly per: bigint;
  /** As the price table writes it, for people: `$2.50/1M`. */
  readonly text: string;
}

/** What each dimension costs. */
export type Rates = ReadonlyMap<Dimension, Rate>;

/** The currency of a rate: dollars, or a token by its symbol. */
export type RateCurrency = { readonly kind: 'usd' } | { readonly kind: 'token'; readonly symbol: string };

const PER = /^([1-9]\d{0,11})([KMG]?)$/;
const MULTIPLES: Readonly<Record<string, bigint>> = { '': 1n, K: 1_000n, M: 1_000_000n, G: 1_000_000_000n };
const PLAIN = /^(0|[1-9]\d*)(\.\d+)?$/;

/**
 * Reads a rate: `$2.50/1M`, `$0.0001`, `0.25 USDC/1K`; of a cost that the answer states, a plain factor: `1.1`.
 * `undefined` when the text is no rate, or one of another currency.
 */
export function parseRate(text: string, dimension: Dimension, currency: RateCurrency): Rate | undefined {
  if (dimension === 'cost') return PLAIN.test(text) ? rateOf(text, 1n, text) : undefined;
  const [price = '', perText = '1', ...rest] = text.split('/');
  const per = parsePer(perText);
  const decimal = priceText(price, currency);
  return rest.length > 0 || per === undefined || decimal === undefined ? undefined : rateOf(decimal, per, text);
}

function rateOf(decimal: string, per: bigint, text: string): Rate | undefined {
  const price = parseDecimal(decimal);
  return price === undefined ? undefined : { price, per, text };
}

function parsePer(text: string): bigint | undefined {
  const [, count, suffix = ''] = PER.exec(text) ?? [];
  const multiple = MULTIPLES[suffix];
  return count === undefined || multiple === undefined ? undefined : BigInt(count) * multiple;
}

function priceText(text: string, currency: RateCurrency): string | undefined {
  const decimal =
    currency.kind === 'usd'
      ? text.startsWith('$') && text.slice(1)
      : text.endsWith(` ${currency.symbol}`) && text.slice(0, -currency.symbol.length - 1).trimEnd();
  return decimal !== false && PLAIN.test(decimal) ? decimal : undefined;
}

/**
 * The rate of a dimension: cached input and cache writes cost what input costs, where they have no rate of their own.
 */
export function rateFor(rates: Rates, dimension: Dimension): Rate | undefined {
  const own = rates.get(dimension);
  if (own !== undefined) return own;
  return dimension === 'cachedInput' || dimension === 'cacheWrite' ? rates.get('input') : undefined;
}
