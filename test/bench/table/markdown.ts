import type { Figure, RowFinding } from './row.ts';

/** How a table was measured. */
export interface TableFacts {
  /** The commit, and whether files differ from it. */
  readonly commit: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly mixedSeconds: number;
  readonly connections: number;
  readonly generator: string;
  readonly node: string;
  readonly cores: number;
  /** Load averages of the machine before the first row. */
  readonly load: number;
}

/** The targets beside what was measured, ready for a page. */
export function renderTargets(facts: TableFacts, findings: readonly RowFinding[]): string {
  const { commit, rounds, seconds, mixedSeconds, connections, generator, node, cores, load } = facts;
  const took = findings.reduce((sum, finding) => sum + finding.seconds, 0) / 60;
  const lines = [['row', 'figure', 'measured', 'target', ''], DASHES, ...findings.flatMap(linesOf)];
  return `Commit ${commit}. ${rounds} rounds of ${seconds} s, ${mixedSeconds} s of mixed traffic, ${connections} connections, ${generator}, Node ${node}, ${cores} cores, load ${load.toFixed(1)} before the first row. It took ${took.toFixed(1)} minutes. Median, lowest and highest round.

${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}
`;
}

const DASHES = ['---', '---', '---', '---', '---'];

function linesOf({ title, figures }: RowFinding): string[][] {
  return figures.map((figure, index) => [
    index === 0 ? title : '',
    figure.name,
    measured(figure),
    targetOf(figure),
    verdictOf(figure),
  ]);
}

function measured(figure: Figure): string {
  if (figure.kind === 'missing') return cellOf(figure.reason);
  const { median, min, max, unit } = figure;
  return `${withUnit(digits(median), unit)} (${digits(min)}–${digits(max)})`;
}

function targetOf({ unit, target: { bound, value } }: Figure): string {
  return `${bound === 'at least' ? '≥' : '≤'} ${withUnit(String(value), unit)}`;
}

function verdictOf(figure: Figure): string {
  if (figure.kind === 'missing') return 'not measured';
  return figure.reached ? 'reached' : 'not reached';
}

function withUnit(text: string, unit: string): string {
  return unit === '' ? text : `${text} ${unit}`;
}

/** A text in one cell: neither a line's end nor a bar ends it. */
function cellOf(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|');
}

/** A count as it is; of a measurement three digits say what it is worth. */
function digits(value: number): string {
  if (Number.isInteger(value)) return String(value);
  const size = Math.abs(value);
  return value.toFixed(size < 10 ? 2 : size < 100 ? 1 : 0);
}
