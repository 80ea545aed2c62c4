import type { Side } from '../../suite.ts';
import { buyToken } from '../../suites/pass.ts';
import type { TurnpikeCommand } from '../../turnpike-command.ts';
import type { Workbench } from '../../workbench.ts';
import { race, rateBeside } from '../race.ts';
import { atLeast, type Rounds, type Row } from '../row.ts';
import { PAYMENTS_PER_SECOND, settled, untilSettled } from '../settled.ts';

const SETTINGS = {
  routes: `  - { path: /free, price: free }
  - { path: /paid, price: $0.001 }
  - { path: /first, price: $0.001, settle: before }
  - { path: /credit, price: $0.001, settle: deferred }
  - { path: /timed, price: $0.001, access: { for: 24h } }
`,
  keys: 'deferred: { maxUnsettled: 1000000, maxUnsettledPerPayer: 1000000 }\n',
  store: 'sqlite',
} as const;

/** Routes that each call pays for. */
const PAID = ['/paid', '/first', '/credit'];
const FRESH = 'fresh';
/** Mixed traffic for the fresh gateway, in seconds: one whose code is not compiled yet is no measure. */
const WARM_UP_SECONDS = 10;
/** Connections of each kind of traffic, of which there are four. */
const CONNECTIONS = 8;
/** How long one route is paid for, in seconds, and the payments that are signed before. */
const SECONDS = 5;
const PAYMENTS = 2000;

/** A path, and how it is called. */
interface Path {
  readonly name: string;
  side(bench: Workbench, name: string, command: TurnpikeCommand): Promise<Side>;
}

const scaleOnly = async (): Promise<undefined> => undefined;

function paidPath(name: string, path: string): Path {
  return {
    name,
    side: async (bench, of, { url, adminUrl }) =>
      untilSettled(bench.paidSide(of, url + path, scaleOnly, PAYMENTS_PER_SECOND), adminUrl),
  };
}

const PATHS: readonly Path[] = [
  { name: 'free', side: async (bench, of, { url }) => bench.side(of, `${url}/free`) },
  { name: '402', side: async (bench, of, { url }) => bench.side(of, `${url}/paid`, 402, scaleOnly) },
  {
    name: 'token',
    async side(bench, of, { url }) {
      const headers = { 'X402-Access-Token': await buyToken(`${url}/timed`) };
      return bench.sideWith(of, `${url}/timed`, { headers });
    },
  },
  paidPath('paid, `after`', '/paid'),
  paidPath('paid, `before`', '/first'),
  paidPath('paid, `deferred`', '/credit'),
];

/** What ten minutes of all kinds of calls at once do to a gateway: each path beside that of one just started. */
export const mixed: Row = {
  name: 'mixed',
  title: 'each path after mixed traffic, beside a fresh gateway',
  aims: PATHS.map(({ name }) => atLeast(0.95, name)),
  async measure(bench, plan) {
    const { command: used } = await bench.command(SETTINGS);
    plan.say(`${plan.mixedSeconds} s of mixed traffic`);
    await mixedTraffic(bench, used.url, plan.mixedSeconds);
    await settled(used.adminUrl);
    const { command: fresh } = await bench.command(SETTINGS);
    await mixedTraffic(bench, fresh.url, WARM_UP_SECONDS);
    await settled(fresh.adminUrl);
    const values: Rounds[] = [];
    for (const { name, side } of PATHS) {
      plan.say(name);
      const contest = { subject: await side(bench, 'used', used), partners: [await side(bench, FRESH, fresh)] };
      values.push(rateBeside(await race(contest, plan), FRESH));
    }
    return values;
  },
};

/** Free calls, 402s, calls with a token and paid ones in each settle mode, at the same time. */
async function mixedTraffic(bench: Workbench, url: string, seconds: number): Promise<void> {
  const token = await buyToken(`${url}/timed`);
  const equal = async (path: string, status: number, headers: Readonly<Record<string, string>>): Promise<void> => {
    const client = await bench.system('load-generator');
    const load = { kind: 'load', connections: CONNECTIONS, payments: 0 } as const;
    await client.measure({ ...load, url: url + path, seconds, status, headers });
    await client.stop();
  };
  await Promise.all([
    equal('/free', 200, {}),
    equal('/paid', 402, {}),
    equal('/timed', 200, { 'X402-Access-Token': token }),
    payInTurn(bench, url, seconds),
  ]);
}

async function payInTurn(bench: Workbench, url: string, seconds: number): Promise<void> {
  const until = performance.now() + seconds * 1000;
  const load = { kind: 'load', connections: CONNECTIONS, status: 200, headers: {}, payments: PAYMENTS } as const;
  for (let turn = 0; performance.now() < until; turn += 1) {
    const left = Math.ceil((until - performance.now()) / 1000);
    const path = PAID[turn % PAID.length] ?? '';
    await bench.client.measure({ ...load, url: url + path, seconds: Math.min(SECONDS, left) });
  }
}
