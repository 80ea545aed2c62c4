import { type Spread, spreadOf } from './spread.ts';
import type { Cost, Meter } from './suite.ts';

/** What a cost came to. */
export interface CostFigures extends Cost, Spread {
  /** In the cost's unit, in the order of the rounds. */
  readonly perRound: readonly number[];
}

/**
 * Measures costs round by round, each of them anew.
 *
 * @param seconds how long a round is, about
 * @throws Error when a round has not one number for each cost
 */
export async function measureCosts(
  { costs, measure }: Meter,
  rounds: number,
  seconds: number,
  onProgress: (cost: Cost, round: number, value: number) => void,
): Promise<readonly CostFigures[]> {
  const table = costs.map((cost) => ({ cost, perRound: [] as number[] }));
  for (let round = 1; round <= rounds; round += 1) {
    const values = await measure(seconds);
    if (values.length !== costs.length) throw new Error(`${values.length} values of ${costs.length} costs`);
    for (const [index, { cost, perRound }] of table.entries()) {
      const value = values[index] ?? Number.NaN;
      if (!Number.isFinite(value)) throw new Error(`${cost.name} could not be measured`);
      perRound.push(value);
      onProgress(cost, round, value);
    }
  }
  return table.map(({ cost, perRound }) => ({ ...cost, perRound, ...spreadOf(perRound) }));
}
