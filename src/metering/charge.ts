import { type Amount, clampAmount, parseAmount } from '../domain/amount.ts';
import { parseDecimal } from '../domain/decimal.ts';
import { type Figures, type Rates, rateFor } from '../domain/rate.ts';
import { JsonScanner } from './read/json-scanner.ts';
import { compileWanted } from './read/wanted.ts';

const STATED = compileWanted(['/amount']);

/** Within which bounds a charge lies, in atomic units of the asset. */
export interface ChargeBounds {
  readonly min: Amount;
  /** What the buyer signed for. */
  readonly max: Amount;
  /** Digits of the asset after the point. */
  readonly decimals: number;
}

/**
 * The charge for the usage, in atomic units: all dimensions are summed as one fraction, rounded up once, raised to the
 * least charge and lowered to the amount that the buyer signed for, which always wins. A dimension without a rate costs
 * nothing.
 */
export function computeCharge(figures: Figures, rates: Rates, { min, max, decimals }: ChargeBounds): Amount {
  let numerator = 0n;
  let denominator = 1n;
  for (const [dimension, count] of figures) {
    const rate = rateFor(rates, dimension);
    if (rate === undefined) continue;
    const price = count.digits * rate.price.digits;
    const parts = rate.per * 10n ** BigInt(count.scale + rate.price.scale);
    numerator = numerator * parts + price * denominator;
    denominator *= parts;
  }
  const units = numerator * 10n ** BigInt(decimals);
  return clampAmount((units + denominator - 1n) / denominator, min, max);
}

/** What the API itself said to charge, in the forms of official servers. */
const STATED_PERCENT = /^(\d{1,3})(?:\.(\d{1,2}))?%$/;

/**
 * The charge that the API itself states: `{"amount": "1500"}` in atomic units, `"25%"` of the maximum, or `"$0.01"`. A
 * fraction of a unit is dropped, as in official servers. `undefined` for anything else.
 */
export function statedCharge(text: string, { min, max, decimals }: ChargeBounds): Amount | undefined {
  const amount = statedAmount(text);
  if (amount === undefined) return undefined;
  const percent = STATED_PERCENT.exec(amount);
  if (percent !== null) {
    const hundredths = BigInt(percent[1] ?? '0') * 100n + BigInt((percent[2] ?? '').padEnd(2, '0'));
    return clampAmount((max * hundredths) / 10_000n, min, max);
  }
  if (!amount.startsWith('$')) {
    const units = parseAmount(amount);
    return units === undefined ? undefined : clampAmount(units, min, max);
  }
  const dollars = parseDecimal(amount.slice(1));
  if (dollars === undefined) return undefined;
  return clampAmount((dollars.digits * 10n ** BigInt(decimals)) / 10n ** BigInt(dollars.scale), min, max);
}

function statedAmount(text: string): string | undefined {
  if (!text.trimStart().startsWith('{')) return text.trim();
  const scanner = new JsonScanner(STATED);
  scanner.push(Buffer.from(text, 'utf8'));
  const scanned = scanner.finish();
  const fact = scanned.kind === 'read' ? scanned.facts.get('/amount') : undefined;
  return fact?.kind === 'text' ? fact.text : undefined;
}
