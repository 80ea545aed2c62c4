import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { median, type Outcome, type Ratio } from './interleave.ts';
import type { Suite } from './suite.ts';

/** One suite's outcome with what was asked. */
export interface Finding {
  readonly suite: string;
  readonly title: string;
  readonly unit: string;
  readonly targetPerSecond: number | undefined;
  readonly outcome: Outcome;
}

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

/** Joins a suite with what it came to. */
export function finding(
  suite: string,
  { title, unit }: Suite,
  targetPerSecond: number | undefined,
  outcome: Outcome,
): Finding {
  return { suite, title, unit, targetPerSecond, outcome };
}

/** The table that people read: one line for each partner, subject / partner. */
export function renderTable(findings: readonly Finding[]): string {
  const rows = [['', 'beside', 'ratio', 'spread', 'target', '']];
  for (const { suite, title, unit, targetPerSecond, outcome } of findings) {
    const rate = median(outcome.subject.perSecond);
    const aim = targetPerSecond === undefined ? ['', ''] : [`≥ ${targetPerSecond}/s`, verdict(rate, targetPerSecond)];
    rows.push([suite, title, `${Math.round(rate)} ${unit}/s`, '', ...aim]);
    for (const ratio of outcome.ratios) rows.push(['', `  ${ratio.partner}`, ...cells(ratio)]);
  }
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

function cells({ median: middle, min, max, target }: Ratio): string[] {
  const aim = target === undefined ? ['', ''] : [`≥ ${target}`, verdict(middle, target)];
  return [middle.toFixed(2), `${min.toFixed(2)}–${max.toFixed(2)}`, ...aim];
}

function verdict(value: number, target: number): string {
  return value >= target ? 'reached' : 'not yet';
}
