/** Most digits that every reader keeps: a double holds fifteen. */
const MOST_DIGITS = 15;
/** Largest power of ten that no reader takes for infinity or zero. */
const MOST_POWER = 300;

/**
 * The canonical spelling of a JSON number: `1.50e1` is `15`. `undefined` for a text that is no JSON number, and for
 * numbers that readers take for different values: with more digits than a double holds, beyond its range, or `-0`,
 * which some distinguish from `0`.
 */
export function plainNumber(lexeme: string): string | undefined {
  const parts = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(lexeme);
  if (parts === null) return undefined;
  const [, sign = '', whole = '', fraction = '', power = '0'] = parts;
  if (power.length > 6) return undefined;
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = digits.replace(/(?<!0)0+$/, '');
  if (significant === '') return sign === '' ? '0' : undefined;
  const exponent = Number(power) - fraction.length + (digits.length - significant.length);
  if (significant.length > MOST_DIGITS || Math.abs(exponent) > MOST_POWER) return undefined;
  return sign + placed(significant, exponent);
}

/** Compares two plain decimals: negative, zero or positive. */
export function compareNumbers(one: string, other: string): number {
  const [a, b] = [scaled(one), scaled(other)];
  const digits = Math.max(a.fraction, b.fraction);
  const left = a.value * 10n ** BigInt(digits - a.fraction);
  const right = b.value * 10n ** BigInt(digits - b.fraction);
  return left < right ? -1 : left > right ? 1 : 0;
}

function scaled(decimal: string): { readonly value: bigint; readonly fraction: number } {
  const [whole = '0', fraction = ''] = decimal.split('.');
  return { value: BigInt(whole + fraction), fraction: fraction.length };
}

function placed(digits: string, exponent: number): string {
  if (exponent >= 0) return digits + '0'.repeat(exponent);
  const point = digits.length + exponent;
  return point > 0 ? `${digits.slice(0, point)}.${digits.slice(point)}` : `0.${'0'.repeat(-point)}${digits}`;
}
