/** One thing that is wrong with the configuration, and where. */
export interface Problem {
  /** The file as it was named on the command line. */
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based. */
  readonly column: number;
  /** Where in the configuration: `routes[2].price`; `''` is the file as a whole. */
  readonly keyPath: string;
  /** What is wrong. Never holds the value of an environment variable or of a secret file. */
  readonly wrong: string;
  /** What would be right, as a noun phrase. */
  readonly right: string;
}

/** Writes a problem the way compilers do, so that editors can jump to it: `file:line:col key.path: wrong, expected right`. */
export function renderProblem(problem: Problem): string {
  const where = `${problem.file}:${problem.line}:${problem.column}`;
  const path = problem.keyPath === '' ? '' : ` ${problem.keyPath}`;
  return `${where}${path}: ${problem.wrong}, expected ${problem.right}`;
}

/** Most lines that are named where the same holds in several places. */
const MOST_LINES = 5;

/** Writes warnings, those that say the same of several places once, with the lines of the others. */
export function renderFolded(warnings: readonly Problem[]): readonly string[] {
  const groups = new Map<string, Problem[]>();
  for (const warning of warnings) {
    const id = JSON.stringify([warning.file, warning.wrong]);
    groups.set(id, [...(groups.get(id) ?? []), warning]);
  }
  return [...groups.values()].flatMap(([first, ...others]) => {
    if (first === undefined) return [];
    const lines = others.slice(0, MOST_LINES).map(({ line }) => line);
    const more = others.length - lines.length;
    const rest = `${lines.join(', ')}${more === 0 ? '' : ` and ${more} more`}`;
    return [`${renderProblem(first)}${others.length === 0 ? '' : ` (also on line ${rest})`}`];
  });
}

/** Puts problems in the order of the file, each only once: a value that many routes inherit is wrong only once. */
export function inFileOrder(problems: readonly Problem[]): readonly Problem[] {
  const unique = new Map(problems.map((problem) => [renderProblem(problem), problem]));
  return [...unique.values()].sort((a, b) => a.line - b.line || a.column - b.column);
}
