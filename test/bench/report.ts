import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CostFigures } from './costs.ts';
import type { Outcome, Ratio, SideRates } from './interleave.ts';
import { median } from './spread.ts';

/** What a suite of rates came to, with what was asked. */
export interface RateFinding {
  readonly kind: 'rates';
  readonly suite: string;
  readonly title: string;
  readonly unit: string;
  readonly targetPerSecond: number | undefined;
  readonly outcome: Outcome;
}

/** What a suite of costs came to. */
export interface CostFinding {
  readonly kind: 'costs';
  readonly suite: string;
  readonly title: string;
  readonly costs: readonly CostFigures[];
}

/** What a suite came to. */
export type Finding = RateFinding | CostFinding;

/** How a run was made: enough to make it again, nothing about the machine's name. */
export interface RunFacts {
  readonly rounds: number;
  readonly seconds: number;
  readonly connections: number;
  readonly generator: string;
  readonly upstream: string;
  readonly node: string;
  readonly cores: number;
}

/** The table that people read: a line for each partner, subject / partner, and a line for each cost. */
export function renderTable(findings: readonly Finding[]): string {
  const rows = [['', 'beside', 'ratio', 'spread', 'target', ''], ...findings.flatMap(rowsOf)];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

/** Writes the run as JSON into a folder and returns the file's path. */
export async function writeResult(folder: string, facts: RunFacts, findings: readonly Finding[]): Promise<string> {
  await mkdir(folder, { recursive: true });
  const at = new Date().toISOString();
  const file = join(folder, `${at.replaceAll(':', '-')}.json`);
  await writeFile(file, `${JSON.stringify({ at, ...facts, findings }, null, 2)}\n`);
  return file;
}

function rowsOf(finding: Finding): string[][] {
  const { suite, title } = finding;
  if (finding.kind === 'costs') {
    return [[suite, title, '', '', '', ''], ...finding.costs.map((cost) => ['', `  ${cost.name}`, ...costCells(cost)])];
  }
  const { outcome, targetPerSecond, unit } = finding;
  const rate = median(outcome.subject.perSecond);
  const aim = targetPerSecond === undefined ? NO_AIM : [`≥ ${targetPerSecond}/s`, verdict(rate >= targetPerSecond)];
  return [
    [suite, title, `${Math.round(rate)} ${unit}/s`, '', ...aim],
    ...outcome.ratios.flatMap((ratio) => ratioRows(ratio)),
    ...[outcome.subject, ...outcome.partners].flatMap(processorRows),
  ];
}

function ratioRows(ratio: Ratio): string[][] {
  const { partner, processor } = ratio;
  const rate = ['', `  ${partner}`, ...ratioCells(ratio)];
  if (processor === undefined) return [rate];
  const { median: middle, min, max } = processor;
  return [
    rate,
    ['', `  ${partner}, processor time`, middle.toFixed(2), `${min.toFixed(2)}–${max.toFixed(2)}`, ...NO_AIM],
  ];
}

function processorRows({ name, processorMicros }: SideRates): string[][] {
  if (!processorMicros.every(Number.isFinite)) return [];
  const spread = `${figure(Math.min(...processorMicros))}–${figure(Math.max(...processorMicros))}`;
  return [['', `  processor time: ${name}`, `${figure(median(processorMicros))} µs`, spread, ...NO_AIM]];
}

const NO_AIM = ['', ''];

function ratioCells({ median: middle, min, max, target }: Ratio): string[] {
  const aim = target === undefined ? NO_AIM : [`≥ ${target}`, verdict(middle >= target)];
  return [middle.toFixed(2), `${min.toFixed(2)}–${max.toFixed(2)}`, ...aim];
}

function costCells({ unit, median: middle, min, max, atMost }: CostFigures): string[] {
  const aim = atMost === undefined ? NO_AIM : [`≤ ${atMost} ${unit}`, verdict(middle <= atMost)];
  return [`${figure(middle)} ${unit}`, `${figure(min)}–${figure(max)}`, ...aim];
}

/** Three digits say what a measurement is worth. */
function figure(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size < 10 ? 2 : size < 100 ? 1 : 0);
}

function verdict(reached: boolean): string {
  return reached ? 'reached' : 'not yet';
}
