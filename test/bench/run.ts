import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { renderTopCosts } from './cpu-profile.ts';
import { interleave } from './interleave.ts';
import { type BenchOptions, parseOptions, USAGE } from './options.ts';
import { type Finding, finding, renderTable, writeResult } from './report.ts';
import { SUITES } from './suites.ts';
import { Workbench } from './workbench.ts';

/*
 * `npm run bench`: measures the gateway beside partners that do the same work. docs/performance.md explains it.
 */

const RESULTS = join(import.meta.dirname, 'results');

const options = parseOptions(process.argv.slice(2));
if (options === undefined) process.stdout.write(USAGE);
else await run(options);

async function run(options: BenchOptions): Promise<void> {
  const profileFolder = options.profile ? join(RESULTS, `profile-${Date.now()}`) : undefined;
  const bench = await Workbench.open({ ...options, profileFolder });
  try {
    const findings = await measureAll(bench, options);
    process.stdout.write(`\n${renderTable(findings)}\n`);
    const { rounds, seconds, connections } = options;
    const { generator, nginx } = bench;
    const upstream = nginx === undefined ? 'node:http' : 'nginx';
    const facts = { generator, upstream, node: process.version, cores: availableParallelism() };
    process.stdout.write(`${await writeResult(RESULTS, { rounds, seconds, connections, ...facts }, findings)}\n`);
  } finally {
    await bench.close();
  }
  if (profileFolder !== undefined) process.stdout.write(`\n${await renderTopCosts(profileFolder)}`);
}

async function measureAll(bench: Workbench, { suites, rounds, seconds }: BenchOptions): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const name of suites) {
    const suite = SUITES[name];
    const contest = await suite.open(bench);
    const outcome = await interleave(contest, rounds, seconds, (side, round, perSecond) => {
      process.stderr.write(`${name} ${round}/${rounds} ${side}: ${Math.round(perSecond)} ${suite.unit}/s\n`);
    });
    findings.push(finding(name, suite, contest.targetPerSecond, outcome));
    await bench.clear();
  }
  return findings;
}
