import { median } from '../spread.ts';
import type { Dimension, LevelFigures } from './dimension.ts';

/** What one dimension came to, with what was asked. */
export interface ScalingFinding extends Pick<Dimension, 'title' | 'load'> {
  readonly levels: readonly LevelFigures[];
}

/** A heading and a table for each dimension, ready for a page. */
export function renderMarkdown(findings: readonly ScalingFinding[]): string {
  return findings.map(renderDimension).join('\n');
}

function renderDimension({ title, load, levels }: ScalingFinding): string {
  const facts = levels[0]?.facts ?? [];
  const heads = [title, 'requests/s', 'beside the first', 'spread', 'resident, MB'];
  const named = facts.map(({ name, unit }) => `${name}, ${unit}`);
  const rows = levels.map(({ size, perSecond, ratio, megabytes, facts: found }) => [
    grouped(size),
    grouped(median(perSecond)),
    ratio.median.toFixed(2),
    `${ratio.min.toFixed(2)}–${ratio.max.toFixed(2)}`,
    grouped(megabytes),
    ...found.map(({ value }) => grouped(value)),
  ]);
  const lines = [[...heads, ...named], [...heads, ...named].map(() => '---'), ...rows];
  return `Load: ${load}.\n\n${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`;
}

/** A whole number with a space between thousands. */
function grouped(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ' ');
}
