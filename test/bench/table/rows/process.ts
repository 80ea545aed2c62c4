import { setTimeout as wait } from 'node:timers/promises';
import { measureCosts } from '../../costs.ts';
import { residentMegabytes } from '../../resident-memory.ts';
import { alongside as alongsideSuite } from '../../suites/alongside.ts';
import { table } from '../../suites/routes.ts';
import { start as startSuite } from '../../suites/start.ts';
import { workers as workersSuite } from '../../suites/workers.ts';
import type { Workbench } from '../../workbench.ts';
import { race, rateBeside } from '../race.ts';
import { atLeast, atMost, type Plan, type Row } from '../row.ts';

/** How long a process is left alone before its memory counts as that of an idle one, in milliseconds. */
const IDLE_MS = 3000;
/** Paid calls before the second look at the memory, and how many at once. */
const CALLS = 10_000;
const AT_ONCE = 16;
/** More than so many calls take on any machine, in seconds: the load ends when the payments do. */
const PATIENCE_SECONDS = 600;

export const alongside: Row = {
  name: 'alongside',
  title: '`after`, safe methods, facilitator and upstream of 100 ms, `verify: alongside`',
  aims: [atMost(1.15, 'latency beside the longer one plus settle')],
  async measure(bench, { rounds, seconds, say }) {
    const [beside] = await measureCosts(await alongsideSuite.open(bench), rounds, seconds, (cost, round, value) =>
      say(`${round}/${rounds} ${cost.name}: ${value.toFixed(2)} ${cost.unit}`),
    );
    return [beside?.perRound];
  },
};

export const start: Row = {
  name: 'start',
  title: 'start',
  aims: [
    atMost(450, 'until ready, three routes', 'ms'),
    atMost(1000, '10 000 routes', 'ms'),
    atMost(6000, '100 000 routes', 'ms'),
    atMost(200, '100 000 routes, resident, idle', 'MB'),
  ],
  async measure(bench, plan) {
    const few = await measureCosts(await startSuite.open(bench), plan.rounds, plan.seconds, () => {});
    const many = await startsWith(bench, 10_000, plan);
    const most = await startsWith(bench, 100_000, plan);
    const [readyMs, megabytes] = [most.map(({ ms }) => ms), most.map((one) => one.megabytes)];
    return [few[0]?.perRound, many.map(({ ms }) => ms), readyMs, megabytes];
  },
};

interface Start {
  readonly ms: number;
  readonly megabytes: number;
}

/** Starts on a table of so many routes and a ledger that is there already, one a round. */
async function startsWith(bench: Workbench, routes: number, { rounds, say }: Plan): Promise<readonly Start[]> {
  const { file, command } = await bench.command({ routes: table(routes), store: 'sqlite' });
  await command.stop();
  const starts: Start[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const { pid, readyAfterMs, stop } = await bench.commandOn(file);
    await wait(IDLE_MS);
    starts.push({ ms: readyAfterMs, megabytes: await residentMegabytes(pid) });
    await stop();
    say(`${round}/${rounds} ${routes} routes: ${readyAfterMs.toFixed(0)} ms`);
  }
  return starts;
}

export const memory: Row = {
  name: 'memory',
  title: 'memory, SQLite',
  aims: [atMost(110, 'resident, idle', 'MB'), atMost(130, 'resident after 10 000 paid calls', 'MB')],
  async measure(bench, { rounds, say }) {
    const [idle, after]: [number[], number[]] = [[], []];
    for (let round = 1; round <= rounds; round += 1) {
      const { command } = await bench.command({ routes: '  - { path: /paid, price: $0.001 }\n', store: 'sqlite' });
      await wait(IDLE_MS);
      idle.push(await residentMegabytes(command.pid));
      await payAll(bench, `${command.url}/paid`);
      await wait(IDLE_MS);
      after.push(await residentMegabytes(command.pid));
      await command.stop();
      say(`${round}/${rounds} ${idle.at(-1)?.toFixed(0)} MB, then ${after.at(-1)?.toFixed(0)} MB`);
    }
    return [idle, after];
  },
};

async function payAll(bench: Workbench, url: string): Promise<void> {
  const asked = { connections: AT_ONCE, seconds: PATIENCE_SECONDS, status: 200, headers: {}, payments: CALLS };
  await bench.client.measure({ kind: 'load', url, ...asked });
}

export const workers: Row = {
  name: 'workers',
  title: '`workers: 2`',
  aims: [atLeast(1.6, 'rate beside one')],
  async measure(bench, plan) {
    const outcome = await race(await workersSuite.open(bench), plan);
    return [rateBeside(outcome, 'gateway, one worker')];
  },
};
