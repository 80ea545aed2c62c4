import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { measureCosts } from './costs.ts';
import { renderTopCosts } from './cpu-profile.ts';
import { interleave } from './interleave.ts';
import { type BenchOptions, parseOptions, USAGE } from './options.ts';
import { type Finding, renderTable, writeResult } from './report.ts';
import type { Suite } from './suite.ts';
import { SUITES } from './suites.ts';
import { Workbench } from './workbench.ts';

/*
 * `npm run bench`: measures the gateway beside partners that do the same work. test/bench/figures.md explains it.
 */

const RESULTS = join(import.meta.dirname, 'results');

// With an orderly end, which takes along what was started.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

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

async function measureAll(bench: Workbench, options: BenchOptions): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const name of options.suites) {
    findings.push(await measureSuite(name, SUITES[name], bench, options));
    await bench.clear();
  }
  return findings;
}

async function measureSuite(
  name: string,
  suite: Suite,
  bench: Workbench,
  { rounds, seconds }: BenchOptions,
): Promise<Finding> {
  const say = (round: number, text: string): void => void process.stderr.write(`${name} ${round}/${rounds} ${text}\n`);
  const { kind, title } = suite;
  if (kind === 'costs') {
    const costs = await measureCosts(await suite.open(bench), rounds, seconds, (cost, round, value) => {
      say(round, `${cost.name}: ${value.toFixed(2)} ${cost.unit}`);
    });
    return { kind, suite: name, title, costs };
  }
  const { unit } = suite;
  const contest = await suite.open(bench);
  const outcome = await interleave(contest, rounds, seconds, (side, round, perSecond) => {
    say(round, `${side}: ${Math.round(perSecond)} ${unit}/s`);
  });
  return { kind, suite: name, title, unit, targetPerSecond: contest.targetPerSecond, outcome };
}
