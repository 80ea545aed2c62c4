import type { Network } from './network.ts';

/** The currency of a balance: an asset on a network. */
export interface BalanceCurrency {
  readonly network: Network;
  /** The token's address. */
  readonly asset: string;
  readonly symbol: string;
  /** Digits of the asset after the point. */
  readonly decimals: number;
}

/** What one payment adds to a balance, and what a call may take of it. Kept as JSON with its offer: amounts are text. */
export interface BalanceTerms extends BalanceCurrency {
  /** Atomic units that are paid. */
  readonly amount: string;
  /** The most that one call costs, in atomic units: what it holds until its charge is known. */
  readonly upTo: string;
}

/**
 * Most digits after the point that a balance is kept in. Stores count its units in whole numbers below 2^53, which one
 * cent of an asset with 18 digits exceeds. A unit of such a balance is 10^-9 of a token, and charges are rounded up to
 * it.
 */
const MOST_DIGITS = 9;

/** Most units that one payment may add: any sum of payments that people make stays exact. */
export const MOST_BALANCE_UNITS = 10n ** 13n;

/** Digits after the point of a balance's units. */
export function balanceDigits({ decimals }: Pick<BalanceCurrency, 'decimals'>): number {
  return Math.min(decimals, MOST_DIGITS);
}

/** Atomic units as units of a balance; `undefined` where that would need rounding. */
export function balanceUnits(atomic: bigint, currency: Pick<BalanceCurrency, 'decimals'>): bigint | undefined {
  const size = unitSize(currency);
  return atomic % size === 0n ? atomic / size : undefined;
}

/** Units of a balance in atomic units of its asset. */
export function atomicUnits(units: number | bigint, currency: Pick<BalanceCurrency, 'decimals'>): bigint {
  return BigInt(units) * unitSize(currency);
}

function unitSize(currency: Pick<BalanceCurrency, 'decimals'>): bigint {
  return 10n ** BigInt(currency.decimals - balanceDigits(currency));
}
