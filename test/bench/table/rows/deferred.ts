import { openPostgres } from '../../../support/postgres.ts';
import type { GatewaySettings } from '../../gateway-config.ts';
import { measureDimension } from '../../scaling/dimension.ts';
import { openSettlements } from '../../scaling/open-settlements.ts';
import type { Side } from '../../suite.ts';
import type { Workbench } from '../../workbench.ts';
import { race, rateBeside } from '../race.ts';
import { atLeast, type Plan, type Rounds, type Row } from '../row.ts';
import { PAYMENTS_PER_SECOND, untilSettled } from '../settled.ts';

const AFTER = 'after';
const OPEN = [0, 10_000, 100_000];

export const deferred: Row = {
  name: 'deferred',
  title: '`deferred`',
  aims: [
    atLeast(1.1, 'rate beside `after`, SQLite'),
    atLeast(1.1, 'rate beside `after`, PostgreSQL'),
    atLeast(0.9, 'rate with 10 000 open beside none'),
    atLeast(0.8, 'rate with 100 000 open beside none'),
  ],
  async measure(bench, plan) {
    const onSqlite = await besideAfter(bench, plan, async () => 'sqlite');
    await bench.clear();
    const server = await openPostgres();
    let onPostgres: Rounds;
    try {
      onPostgres = await besideAfter(bench, plan, async () => ({ url: await server.createDatabase() }));
      await bench.clear();
    } finally {
      await server.dispose();
    }
    return [onSqlite, onPostgres, ...(await besideNoneOpen(bench, plan))];
  },
};

/** The rate at which answers go out. Each side has a gateway and a ledger of its own. */
async function besideAfter(
  bench: Workbench,
  plan: Plan,
  newStore: () => Promise<NonNullable<GatewaySettings['store']>>,
): Promise<Rounds> {
  const side = async (settle: string): Promise<Side> => {
    const { command } = await bench.command({
      routes: `  - { path: /paid, price: $0.001, settle: ${settle} }\n`,
      keys: 'deferred: { maxUnsettled: 1000000, maxUnsettledPerPayer: 1000000 }\n',
      store: await newStore(),
    });
    const paying = bench.paidSide(settle, `${command.url}/paid`, async () => undefined, PAYMENTS_PER_SECOND);
    return untilSettled(paying, command.adminUrl);
  };
  const contest = { subject: await side('deferred'), partners: [await side(AFTER)] };
  return rateBeside(await race(contest, plan), AFTER);
}

/** The rates with more and more settlements open, beside that with none. */
async function besideNoneOpen(bench: Workbench, { rounds, seconds, say }: Plan): Promise<readonly Rounds[]> {
  const dimension = { ...openSettlements('deferred'), sizes: OPEN };
  const [none, ...levels] = await measureDimension(dimension, bench, rounds, seconds, (size, round, perSecond) =>
    say(`${round}/${rounds} ${size} open: ${Math.round(perSecond)}/s`),
  );
  return levels.map(({ perSecond }) => perSecond.map((rate, round) => rate / (none?.perSecond[round] ?? Number.NaN)));
}
