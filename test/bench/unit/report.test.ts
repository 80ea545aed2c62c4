import { describe, expect, it } from 'vitest';
import type { Outcome } from '../interleave.ts';
import { type Finding, renderTable } from '../report.ts';
import { spreadOf } from '../spread.ts';

/** The lines of the table whose first words are these, without the space between the columns. */
function lineOf(findings: readonly Finding[], start: string): string | undefined {
  const lines = renderTable(findings).split('\n');
  return lines
    .find((line) => line.trimStart().startsWith(start))
    ?.trim()
    .replaceAll(/ {2,}/g, ' | ');
}

function rates(ratios: readonly number[], target: number | undefined, targetPerSecond?: number): Finding {
  const subject = { name: 'gateway', perSecond: [1000, 1200, 1100], processorMicros: [80, 90, 85] };
  const outcome: Outcome = {
    subject,
    partners: [],
    ratios: [{ partner: 'bare proxy', perRound: ratios, ...spreadOf(ratios), target, processor: spreadOf([1.2, 1.4]) }],
  };
  return { kind: 'rates', suite: 'free', title: 'a free route', unit: 'requests', targetPerSecond, outcome };
}

function costs(perRound: readonly number[], atMost: number | undefined): Finding {
  const cost = { name: 'p99 added', unit: 'ms', ...(atMost === undefined ? {} : { atMost }) };
  return {
    kind: 'costs',
    suite: 'latency',
    title: 'added latency',
    costs: [{ ...cost, perRound, ...spreadOf(perRound) }],
  };
}

describe('the table of a benchmark', () => {
  it('holds the median of a ratio against a target that is to be reached from below', () => {
    expect(lineOf([rates([0.8, 0.9, 0.85], 0.85)], 'bare proxy')).toBe(
      'bare proxy | 0.85 | 0.80–0.90 | ≥ 0.85 | reached',
    );
    expect(lineOf([rates([0.8, 0.9, 0.84], 0.85)], 'bare proxy')).toMatch(/not yet$/);
  });

  it('holds the median of a cost against a target that is not to be exceeded', () => {
    expect(lineOf([costs([1.5, 2.5, 2], 2)], 'p99 added')).toBe('p99 added | 2.00 ms | 1.50–2.50 | ≤ 2 ms | reached');
    expect(lineOf([costs([1.5, 2.5, 2.1], 2)], 'p99 added')).toMatch(/not yet$/);
  });

  it('shows the processor time of an operation beside the rates, where it is counted', () => {
    const finding = rates([0.8], undefined);
    expect(lineOf([finding], 'bare proxy, processor time')).toBe('bare proxy, processor time | 1.30 | 1.20–1.40');
    expect(lineOf([finding], 'processor time: gateway')).toBe('processor time: gateway | 85.0 µs | 80.0–90.0');
  });

  it('says nothing of a target where there is none', () => {
    expect(lineOf([rates([0.8], undefined)], 'bare proxy')).toBe('bare proxy | 0.80 | 0.80–0.80');
    expect(lineOf([costs([250], undefined)], 'p99 added')).toBe('p99 added | 250 ms | 250–250');
  });

  it('holds the rate of the subject itself against its target', () => {
    expect(lineOf([rates([1], undefined, 1100)], 'free')).toBe(
      'free | a free route | 1100 requests/s | ≥ 1100/s | reached',
    );
    expect(lineOf([rates([1], undefined, 1101)], 'free')).toMatch(/not yet$/);
  });

  it('shows a cost that is below nothing as it is', () => {
    expect(lineOf([costs([-0.031], 2)], 'p99 added')).toContain('-0.03 ms');
  });
});
