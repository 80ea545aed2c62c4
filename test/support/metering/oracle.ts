/**
 * A second, plain way to a charge: every number a fraction of two integers, written without a look at the code that it
 * judges.
 */

interface Fraction {
  readonly over: bigint;
  readonly under: bigint;
}

/** A price for so many units: `[2.5, 1000000]` as texts. */
export type OracleRate = readonly [price: string, per: string];

/** The charge in atomic units of an asset with so many `decimals`. */
export function oracleCharge(
  figures: Readonly<Record<string, string>>,
  rates: Readonly<Record<string, OracleRate>>,
  bounds: { readonly min: bigint; readonly max: bigint; readonly decimals: number },
): bigint {
  let total: Fraction = { over: 0n, under: 1n };
  for (const [dimension, count] of Object.entries(figures)) {
    const cache = dimension === 'cachedInput' || dimension === 'cacheWrite';
    const rate = rates[dimension] ?? (cache ? rates['input'] : undefined);
    if (rate === undefined) continue;
    const [price, per] = rate;
    total = plus(total, divide(times(fraction(count), fraction(price)), fraction(per)));
  }
  const units = times(total, { over: 10n ** BigInt(bounds.decimals), under: 1n });
  let charge = units.over / units.under;
  if (charge * units.under < units.over) charge += 1n;
  if (charge < bounds.min) charge = bounds.min;
  return charge > bounds.max ? bounds.max : charge;
}

function fraction(text: string): Fraction {
  const point = text.indexOf('.');
  if (point === -1) return { over: BigInt(text), under: 1n };
  const digits = text.length - point - 1;
  return { over: BigInt(text.replace('.', '')), under: BigInt(`1${'0'.repeat(digits)}`) };
}

function plus(a: Fraction, b: Fraction): Fraction {
  return { over: a.over * b.under + b.over * a.under, under: a.under * b.under };
}

function times(a: Fraction, b: Fraction): Fraction {
  return { over: a.over * b.over, under: a.under * b.under };
}

function divide(a: Fraction, b: Fraction): Fraction {
  return times(a, { over: b.under, under: b.over });
}
