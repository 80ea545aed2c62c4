import type { Amount } from '../domain/amount.ts';
import { type Rates, rateFor } from '../domain/rate.ts';

/** What a limit of output tokens is computed from. */
export interface CapTerms {
  readonly rates: Rates;
  /** Atomic units: what the buyer signed for. */
  readonly max: Amount;
  /** Digits of the asset after the point. */
  readonly decimals: number;
}

/**
 * How many output tokens a call may make so that its charge stays within the maximum; `undefined` where they cost
 * nothing. Each byte of the request counts as an input token, which is more than any tokenizer makes of text. The input
 * takes no more than half of the maximum, because the buyer wants an answer. Exact, rounded down, at least 1.
 *
 * @param answers how many answers are asked for at once
 */
export function outputCap(
  { rates, max, decimals }: CapTerms,
  requestBytes: number,
  answers: bigint,
): bigint | undefined {
  const output = rates.get('output');
  if (output === undefined || output.price.digits === 0n) return undefined;
  const half = max / 2n;
  const read = inputUnits(rates, decimals, requestBytes);
  const left = max - (read < half ? read : half);
  const perToken = output.price.digits * 10n ** BigInt(decimals) * answers;
  const tokens = (left * output.per * 10n ** BigInt(output.price.scale)) / perToken;
  return tokens < 1n ? 1n : tokens;
}

/** What reading costs at most, in atomic units, rounded up. */
function inputUnits(rates: Rates, decimals: number, bytes: number): bigint {
  const dearest = (['input', 'cachedInput', 'cacheWrite'] as const).map((dimension) => {
    const rate = rateFor(rates, dimension);
    if (rate === undefined) return 0n;
    const parts = rate.per * 10n ** BigInt(rate.price.scale);
    return (BigInt(bytes) * rate.price.digits * 10n ** BigInt(decimals) + parts - 1n) / parts;
  });
  return dearest.reduce((most, units) => (units > most ? units : most), 0n);
}
