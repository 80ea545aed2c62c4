import type { Brand } from './brand.ts';

/** An amount of money in an asset's atomic units (1 USDC is `1000000n`). Never negative, never a `number`. */
export type Amount = Brand<bigint, 'Amount'>;

/** No money. */
export const NOTHING = 0n as Amount;

/** The largest value a `uint256` holds: an ERC-20 amount can never be above it. */
const MAX_UINT256 = (1n << 256n) - 1n;

/**
 * The only integer text the wire may hold. `BigInt()` itself would also take `""`, `" 1"`, `"0x10"` and `"+1"`,
 * which buyers and facilitators read differently.
 */
const CANONICAL_INTEGER = /^(0|[1-9]\d{0,77})$/;

/** Reads an amount as the wire carries it: a plain decimal string without sign, space, exponent or leading zero. */
export function parseAmount(text: unknown): Amount | undefined {
  if (typeof text !== 'string' || !CANONICAL_INTEGER.test(text)) return undefined;
  const value = BigInt(text);
  return value > MAX_UINT256 ? undefined : (value as Amount);
}

/** Writes an amount as the wire carries it. */
export function formatAmount(amount: Amount): string {
  return amount.toString(10);
}

/** Writes an amount in whole units of its asset for people, without trailing zeros: `1500n` at 6 decimals is `0.0015`. */
export function formatUnits(amount: bigint, decimals: number): string {
  const digits = amount.toString(10).padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, '');
  return fraction === '' ? whole : `${whole}.${fraction}`;
}

/** The sum of some amounts, each multiplied by its count. */
export function sumAmounts(parts: readonly { readonly amount: Amount; readonly count: number }[]): Amount {
  return parts.reduce((sum, { amount, count }) => sum + amount * BigInt(count), 0n) as Amount;
}

/** Raises an amount to `min`, then lowers it to `max`, which wins. */
export function clampAmount(units: bigint, min: Amount, max: Amount): Amount {
  const raised = units < min ? min : (units as Amount);
  return raised > max ? max : raised;
}
