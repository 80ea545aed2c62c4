/** What the rounds of a measurement came to. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** The spread of one value for each round. */
export function spreadOf(perRound: readonly number[]): Spread {
  return { median: median(perRound), min: Math.min(...perRound), max: Math.max(...perRound) };
}

/** The value in the middle; of an even number the mean of the two. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN;
  return (upper + lower) / 2;
}

/**
 * The smallest value that is not exceeded by so large a part of all: the nearest rank.
 *
 * @param part over 0 and up to 1, such as 0.99
 */
export function quantile(values: readonly number[], part: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.ceil(sorted.length * part) - 1] ?? Number.NaN;
}
