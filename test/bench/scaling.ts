import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { connections } from './scaling/connections.ts';
import { type Dimension, measureDimension } from './scaling/dimension.ts';
import { ledgerRows } from './scaling/ledger-rows.ts';
import { renderMarkdown, type ScalingFinding } from './scaling/markdown.ts';
import { openSettlements } from './scaling/open-settlements.ts';
import { parseScalingOptions, type ScalingOptions, scalingUsage } from './scaling/options.ts';
import { routes } from './scaling/routes.ts';
import { tokens } from './scaling/tokens.ts';
import { Workbench } from './workbench.ts';

/*
 * `npm run bench:scaling`: throughput and resident memory as there is more and more of something. test/bench/scaling.md
 * explains it and holds its tables.
 */

const RESULTS = join(import.meta.dirname, 'results');

/** By the names that `--only` takes. */
const DIMENSIONS: Readonly<Record<string, Dimension>> = {
  routes,
  connections,
  tokens,
  open: openSettlements('after'),
  'open-deferred': openSettlements('deferred'),
  rows: ledgerRows,
};

// With an orderly end, which takes along what was started.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const options = parseScalingOptions(process.argv.slice(2), DIMENSIONS);
if (options === undefined) process.stdout.write(scalingUsage(DIMENSIONS));
else await run(options);

async function run({ rounds, seconds, dimensions, npmOnly }: ScalingOptions): Promise<void> {
  const bench = await Workbench.open({
    connections: 32,
    npmOnly,
    profileFolder: undefined,
    before: undefined,
    peer: undefined,
    worldPort: undefined,
  });
  const findings: ScalingFinding[] = [];
  try {
    for (const dimension of dimensions) {
      const { title, load } = dimension;
      const levels = await measureDimension(dimension, bench, rounds, seconds, (size, round, perSecond) => {
        process.stderr.write(`${title} ${size}: ${Math.round(perSecond)}/s, ${round}/${rounds}\n`);
      });
      findings.push({ title, load, levels });
      // At once: what was measured is not lost when a later dimension fails.
      process.stdout.write(`${renderMarkdown(findings.slice(-1))}\n`);
      await bench.clear();
    }
  } finally {
    await bench.close();
  }
  const machine = { node: process.version, cores: availableParallelism(), memoryMegabytes: totalmem() / 2 ** 20 };
  const at = new Date().toISOString();
  await mkdir(RESULTS, { recursive: true });
  const file = join(RESULTS, `scaling-${at.replaceAll(':', '-')}.json`);
  await writeFile(file, `${JSON.stringify({ at, rounds, seconds, ...machine, findings }, null, 2)}\n`);
  process.stdout.write(`${file}\n`);
}
