import { describe, expect, it } from 'vitest';
import { measureCosts } from '../costs.ts';
import { quantile, spreadOf } from '../spread.ts';
import type { Meter } from '../suite.ts';

const costs: Meter['costs'] = [
  { name: 'start', unit: 'ms', atMost: 600 },
  { name: 'node itself', unit: 'ms' },
];

function meterOf(rounds: readonly (readonly number[])[]): Meter {
  const left = [...rounds];
  return { costs, measure: async () => left.shift() ?? [] };
}

const silent = (): void => {};

describe('costs', () => {
  it('are measured anew in every round, and keep every figure with its spread', async () => {
    const rounds = [
      [500, 30],
      [700, 20],
      [550, 25],
    ];
    const [start, node] = await measureCosts(meterOf(rounds), 3, 1, silent);
    expect(start).toEqual({ ...costs[0], perRound: [500, 700, 550], median: 550, min: 500, max: 700 });
    expect(node).toEqual({ ...costs[1], perRound: [30, 20, 25], median: 25, min: 20, max: 30 });
  });

  it('are told as they come', async () => {
    const told: unknown[] = [];
    await measureCosts(meterOf([[500, 30]]), 1, 1, (cost, round, value) => told.push([cost.name, round, value]));
    expect(told).toEqual([
      ['start', 1, 500],
      ['node itself', 1, 30],
    ]);
  });

  it('without a figure end the run', async () => {
    await expect(measureCosts(meterOf([[500]]), 1, 1, silent)).rejects.toThrow('1 values of 2 costs');
    await expect(measureCosts(meterOf([[500, Number.NaN]]), 1, 1, silent)).rejects.toThrow('node itself');
  });
});

describe('a spread', () => {
  it('has the middle one of the rounds, or the mean of the two in the middle', () => {
    expect(spreadOf([9, 1, 5])).toEqual({ median: 5, min: 1, max: 9 });
    expect(spreadOf([9, 1, 5, 6])).toEqual({ median: 5.5, min: 1, max: 9 });
  });

  it('orders numbers as numbers', () => {
    expect(spreadOf([10, 9, 100]).median).toBe(10);
  });
});

describe('a quantile', () => {
  it('is the smallest value that so large a part of all does not exceed', () => {
    const values = Array.from({ length: 200 }, (_, index) => 200 - index);
    expect(quantile(values, 0.5)).toBe(100);
    expect(quantile(values, 0.99)).toBe(198);
    expect(quantile(values, 1)).toBe(200);
  });

  it('of nothing is no number', () => {
    expect(quantile([], 0.5)).toBeNaN();
  });
});
