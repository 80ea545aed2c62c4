/** A non-negative decimal number, exactly: `digits / 10^scale`. */
export interface Decimal {
  readonly digits: bigint;
  readonly scale: number;
}

/** What JSON allows of a number that is not negative: `12`, `0.5`, `4.2e-05`. */
const NUMBER = /^(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/;

/** Longest text of a number that is read: no figure of a bill needs more. */
const MAX_LENGTH = 64;

/** Largest exponent that is read, of ten. A larger one would make numbers that take memory. */
const MAX_EXPONENT = 64;

/**
 * Reads a decimal from its text, with or without an exponent. `undefined` for a negative number, for a text that is no
 * number, and for an unreasonable size. No double is used, which would round.
 */
export function parseDecimal(text: string): Decimal | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const match = NUMBER.exec(text);
  if (match === null) return undefined;
  const [, whole = '0', fraction = '', exponentText = '0'] = match;
  const exponent = Number(exponentText);
  if (Math.abs(exponent) > MAX_EXPONENT) return undefined;
  const digits = BigInt(whole + fraction);
  const scale = fraction.length - exponent;
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 };
}

/** Reads a whole number that is not negative, however it is written: `12`, `12.0`, `1.2e1`. */
export function parseCount(text: string): bigint | undefined {
  const decimal = parseDecimal(text);
  if (decimal === undefined) return undefined;
  const divisor = 10n ** BigInt(decimal.scale);
  return decimal.digits % divisor === 0n ? decimal.digits / divisor : undefined;
}

/** A whole number as a decimal. */
export function wholeNumber(count: bigint): Decimal {
  return { digits: count, scale: 0 };
}

/** The sum of two decimals. */
export function addDecimals(one: Decimal, other: Decimal): Decimal {
  const scale = Math.max(one.scale, other.scale);
  const digits = [one, other].map((each) => each.digits * 10n ** BigInt(scale - each.scale));
  return { digits: digits.reduce((sum, each) => sum + each), scale };
}

/** Writes a decimal without exponent and without trailing zeros: `0.000042`. */
export function formatDecimal({ digits, scale }: Decimal): string {
  const text = digits.toString(10).padStart(scale + 1, '0');
  const whole = text.slice(0, text.length - scale);
  const fraction = text.slice(text.length - scale).replace(/0+$/, '');
  return fraction === '' ? whole : `${whole}.${fraction}`;
}
