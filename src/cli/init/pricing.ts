import { parsePrice } from '../../domain/price.ts';
import type { Operation } from '../../openapi/operations.ts';
import { UsageError } from '../exit.ts';

/** A price in dollars, as text and as a number that can be compared. */
interface DollarPrice {
  readonly text: string;
  /** In units of 10^-{@link SCALE} dollars. */
  readonly units: bigint;
}

/** What operations cost. */
export interface Pricing {
  readonly price: DollarPrice;
  /** Prices of operations that have a tag. */
  readonly byTag: ReadonlyMap<string, DollarPrice>;
  /** `GET /health`: operations that are free. */
  readonly free: ReadonlySet<string>;
}

/** Options that say what operations cost. */
export interface PricingOptions {
  readonly price: string;
  /** Such as `reports=$0.05`. */
  readonly pricePerTag?: readonly string[];
  /** Such as `GET /health`. */
  readonly free?: readonly string[];
}

const SCALE = 40;

/** @throws UsageError for an option that is no price, no `tag=price` or no `METHOD /path` */
export function readPricing({ price, pricePerTag = [], free = [] }: PricingOptions): Pricing {
  return {
    price: dollarPrice(price, '--price'),
    byTag: new Map(pricePerTag.map(tagPrice)),
    free: new Set(free.map(freeOperation)),
  };
}

/** The dearest of the prices of an operation's tags, else the price of all. */
export function priceOf({ tags }: Pick<Operation, 'tags'>, { price, byTag }: Pricing): DollarPrice {
  const prices = tags.flatMap((tag) => byTag.get(tag) ?? []);
  return prices.length === 0 ? price : dearest(prices, price);
}

/** The highest of `prices`; `otherwise` when there is none. */
export function dearest(prices: readonly DollarPrice[], otherwise: DollarPrice): DollarPrice {
  const [first = otherwise, ...others] = prices;
  return others.reduce((highest, each) => (each.units > highest.units ? each : highest), first);
}

/** How `--free` names an operation. */
export function operationName({ method, template }: Pick<Operation, 'method' | 'template'>): string {
  return `${method} ${template}`;
}

function tagPrice(text: string): readonly [string, DollarPrice] {
  const equals = text.lastIndexOf('=');
  if (equals < 1)
    throw new UsageError(`--price-per-tag ${JSON.stringify(text)} is not a tag and a price, such as reports=$0.05`);
  return [text.slice(0, equals), dollarPrice(text.slice(equals + 1), '--price-per-tag')];
}

function freeOperation(text: string): string {
  const [, method, path] = /^([A-Za-z]+) +(\/\S*)$/.exec(text.trim()) ?? [];
  if (method === undefined || path === undefined) {
    throw new UsageError(`--free ${JSON.stringify(text)} is not a method and a path, such as 'GET /health'`);
  }
  return `${method.toUpperCase()} ${path}`;
}

function dollarPrice(text: string, option: string): DollarPrice {
  const parsed = parsePrice(text);
  if (!parsed.ok) throw new UsageError(`${option}: ${parsed.wrong}; right would be $0.001`);
  if (parsed.value.kind !== 'usd') {
    throw new UsageError(
      `${option}: ${JSON.stringify(text)} is not a price in dollars, such as $0.001; --free names what is free`,
    );
  }
  const [whole = '0', fraction = ''] = parsed.value.decimal.split('.');
  if (fraction.length > SCALE) throw new UsageError(`${option}: ${text} has more digits than any token`);
  return { text, units: BigInt(whole + fraction.padEnd(SCALE, '0')) };
}
