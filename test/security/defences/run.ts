import { availableParallelism } from 'node:os';
import type { Defence } from './defence.ts';
import { DEFENCES } from './defences.ts';
import { type Verdict, Workshop } from './workshop.ts';

/*
 * Shows that each security test fails when its defence is removed: for each entry of the list, a copy of the checkout
 * without it has to fail the tests that it names, which pass with it. Exit code 1 when one does not.
 *
 *   npm run defences [-- ATTACK...]
 */

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const LANES = Math.min(2, availableParallelism());

const only = process.argv.slice(2);
const defences = DEFENCES.filter(({ attack }) => only.length === 0 || only.includes(attack));
const attacks = [...new Set(defences.map(({ attack }) => attack))];
const startedAt = performance.now();

const broken = (await inLanes(attacks, (workshop, attack) => workshop.passes(attack))).flatMap((verdict, index) =>
  verdict.kind === 'passed' ? [] : [`${attacks[index]}: ${verdict.detail}`],
);
if (broken.length > 0) {
  print(`with every defence in place these do not pass:\n${broken.join('\n')}`);
  process.exitCode = 1;
} else {
  const verdicts = await inLanes(defences, (workshop, defence) => workshop.takeOut(defence));
  for (const [index, verdict] of verdicts.entries()) print(row(defences[index], verdict));
  const survived = verdicts.filter(({ kind }) => kind !== 'failed').length;
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  print(`\n${verdicts.length - survived} of ${verdicts.length} defences are missed when they are gone (${seconds} s)`);
  process.exitCode = survived === 0 ? 0 : 1;
}

function row(defence: Defence | undefined, verdict: Verdict): string {
  const { attack = '', holder = '', condition = '' } = defence ?? {};
  const mark = verdict.kind === 'failed' ? 'missed  ' : 'SURVIVED';
  return `${mark} ${attack.padEnd(20)} ${holder.padEnd(38)} ${JSON.stringify(condition).slice(0, 60).padEnd(60)} ${verdict.detail}`;
}

/** Works through the items in as many copies of the checkout as there are lanes; the results are in the items' order. */
async function inLanes<Item>(
  items: readonly Item[],
  work: (workshop: Workshop, item: Item) => Promise<Verdict>,
): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  const queue = items.entries();
  const lane = async (): Promise<void> => {
    const workshop = new Workshop();
    try {
      for (const [index, item] of queue) verdicts[index] = await work(workshop, item);
    } finally {
      workshop.close();
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return verdicts;
}
