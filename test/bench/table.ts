import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { renderTargets, type TableFacts } from './table/markdown.ts';
import { parseTableOptions, type TableOptions, tableUsage } from './table/options.ts';
import { hasFailed, measureRow, type RowFinding } from './table/row.ts';
import { ROWS } from './table/rows.ts';
import { Workbench } from './workbench.ts';

/*
 * `npm run bench:table`: every performance target beside what is measured, in one Markdown table. test/bench/figures.md
 * explains it.
 */

const RESULTS = join(import.meta.dirname, 'results');

// With an orderly end, which takes along what was started.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const options = parseTableOptions(process.argv.slice(2), ROWS);
if (options === undefined) process.stdout.write(tableUsage(ROWS));
else await run(options);

async function run(options: TableOptions): Promise<void> {
  const { rows, peer, worldPort, npmOnly, ...how } = options;
  const { rounds, seconds, mixedSeconds, connections } = how;
  const [load = Number.NaN] = loadavg();
  const commit = commitNow();
  const bench = await Workbench.open({
    connections,
    npmOnly,
    peer,
    worldPort,
    before: undefined,
    profileFolder: undefined,
  });
  const cores = availableParallelism();
  const facts: TableFacts = { ...how, commit, generator: bench.generator, node: process.version, cores, load };
  await mkdir(RESULTS, { recursive: true });
  const file = join(RESULTS, `table-${new Date().toISOString().replaceAll(':', '-')}.md`);
  const findings: RowFinding[] = [];
  try {
    for (const row of rows) {
      const say = (text: string): void => void process.stderr.write(`${row.name} ${text}\n`);
      findings.push(await measureRow(row, bench, { rounds, seconds, mixedSeconds, say }));
      await bench.clear();
      // At once: what was measured is not lost when the run is broken off.
      await writeFile(file, renderTargets(facts, findings));
    }
  } finally {
    await bench.close();
  }
  process.stdout.write(`${renderTargets(facts, findings)}\n${file}\n`);
  if (findings.some(hasFailed)) process.exitCode = 1;
}

/** The commit that is measured, and whether its files were changed since. */
function commitNow(): string {
  const git = (...words: readonly string[]): string =>
    execFileSync('git', words, { cwd: import.meta.dirname, encoding: 'utf8' }).trim();
  const changed = git('status', '--porcelain', '--untracked-files=no') !== '';
  return `${git('rev-parse', '--short', 'HEAD')}${changed ? ' with changes' : ''}`;
}
