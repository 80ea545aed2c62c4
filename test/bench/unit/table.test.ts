import { describe, expect, it } from 'vitest';
import { parseExposition } from '../../support/metrics.ts';
import type { Outcome } from '../interleave.ts';
import { meansOfRounds } from '../table/ledger-time.ts';
import { renderTargets, type TableFacts } from '../table/markdown.ts';
import { parseTableOptions, tableUsage } from '../table/options.ts';
import { among, processorBeside, rateBeside } from '../table/race.ts';
import { type Aim, atLeast, atMost, figureOf, hasFailed, measureRow, type Plan, type Row } from '../table/row.ts';
import { ROWS } from '../table/rows.ts';
import { unsettledIn } from '../table/settled.ts';
import type { Workbench } from '../workbench.ts';

const FACTS: TableFacts = {
  commit: 'abc1234',
  rounds: 3,
  seconds: 2,
  mixedSeconds: 600,
  connections: 32,
  generator: 'wrk',
  node: 'v24.0.0',
  cores: 2,
  load: 0.25,
};
const PLAN: Plan = { rounds: 3, seconds: 2, mixedSeconds: 600, say: () => {} };
// Rows of these tests start nothing.
const BENCH = {} as Workbench;

function rowOf(aims: readonly Aim[], measure: Row['measure']): Row {
  return { name: 'free', title: 'a free route', aims, measure };
}

/** The last line of the table of one row. */
async function lineOf(aim: Aim, measure: Row['measure']): Promise<string | undefined> {
  const finding = await measureRow(rowOf([aim], measure), BENCH, PLAN);
  return renderTargets(FACTS, [finding]).trimEnd().split('\n').at(-1);
}

describe('a figure of the table', () => {
  it('is the median of the rounds, held against a least', () => {
    const aim = atLeast(0.85, 'rate');
    expect(figureOf(aim, [0.9, 0.7, 0.85])).toMatchObject({ median: 0.85, min: 0.7, max: 0.9, reached: true });
    expect(figureOf(aim, [0.9, 0.7, 0.8499])).toMatchObject({ reached: false });
  });

  it('or against a most', () => {
    const aim = atMost(110, 'resident', 'MB');
    expect(figureOf(aim, [110])).toMatchObject({ kind: 'measured', reached: true });
    expect(figureOf(aim, [110.01])).toMatchObject({ reached: false });
  });

  it('is missing where it takes a peer and there is none', () => {
    const missing = { kind: 'missing', reason: 'needs --peer' };
    expect(figureOf(atLeast(3, 'beside the peer', '--peer'), undefined)).toMatchObject(missing);
  });

  it('is a number, or the row has failed', () => {
    expect(() => figureOf(atLeast(1, 'rate'), undefined)).toThrow('rate was not measured');
    expect(() => figureOf(atLeast(1, 'rate'), [])).toThrow('rate gave no number');
    expect(() => figureOf(atLeast(1, 'rate'), [1, Number.NaN])).toThrow('rate gave no number');
  });
});

describe('a row of the table', () => {
  it('shows what was measured beside its target', async () => {
    expect(await lineOf(atLeast(0.85, 'beside undici'), async () => [[0.8, 0.9, 0.86]])).toBe(
      '| a free route | beside undici | 0.86 (0.80–0.90) | ≥ 0.85 | reached |',
    );
    expect(await lineOf(atMost(450, 'ready', 'ms'), async () => [[451, 460.4, 440]])).toBe(
      '| a free route | ready | 451 ms (440–460) | ≤ 450 ms | not reached |',
    );
  });

  it('shows why a figure is missing, in one cell', async () => {
    const failing = async (): Promise<never> => {
      throw new Error('a | b\nc');
    };
    expect(await lineOf(atLeast(1, 'rate'), failing)).toBe(
      '| a free route | rate | failed: a \\| b c | ≥ 1 | not measured |',
    );
    expect(await lineOf(atMost(0.5, 'time', '', '--peer-pid'), async () => [undefined])).toBe(
      '| a free route | time | needs --peer-pid | ≤ 0.5 | not measured |',
    );
  });

  it('names a row once, before its first figure', async () => {
    const aims = [atLeast(1, 'one'), atLeast(2, 'two')];
    const finding = await measureRow(
      rowOf(aims, async () => [[1], [1]]),
      BENCH,
      PLAN,
    );
    expect(renderTargets(FACTS, [finding]).trimEnd().split('\n').slice(-2)).toEqual([
      '| a free route | one | 1 (1–1) | ≥ 1 | reached |',
      '|  | two | 1 (1–1) | ≥ 2 | not reached |',
    ]);
  });

  it('fails as a whole when it gives another number of figures than it has targets', async () => {
    const finding = await measureRow(
      rowOf([atLeast(1, 'one')], async () => [[1], [2]]),
      BENCH,
      PLAN,
    );
    expect(hasFailed(finding)).toBe(true);
    expect(finding.figures).toMatchObject([{ reason: 'failed: 2 figures for 1 targets' }]);
  });

  it('has not failed for want of a peer', async () => {
    const row = rowOf([atLeast(1, 'one', '--peer')], async () => [undefined]);
    expect(hasFailed(await measureRow(row, BENCH, PLAN))).toBe(false);
  });
});

describe('the table', () => {
  it('says which commit was measured, and how', () => {
    const finding = { name: 'free', title: 'a free route', figures: [], seconds: 90 };
    const [first] = renderTargets(FACTS, [finding, finding]).split('\n');
    expect(first).toContain('Commit abc1234. 3 rounds of 2 s');
    expect(first).toContain('3.0 minutes');
  });

  it('has a name of its own for each row, and a figure for each', () => {
    expect(new Set(ROWS.map(({ name }) => name)).size).toBe(ROWS.length);
    for (const { aims } of ROWS) expect(aims.length).toBeGreaterThan(0);
  });
});

describe('the command line of the table', () => {
  it('measures every row by default, and those that are named', () => {
    expect(parseTableOptions([], ROWS)).toMatchObject({ rows: ROWS, rounds: 3, seconds: 2, mixedSeconds: 600 });
    const named = parseTableOptions(['--only', 'start,free', '--mixed', '5'], ROWS);
    expect(named?.rows.map(({ name }) => name)).toEqual(['start', 'free']);
    expect(named?.mixedSeconds).toBe(5);
  });

  it('refuses rows and numbers that there are not', () => {
    expect(() => parseTableOptions(['--only', 'fre'], ROWS)).toThrow('there is no row fre');
    expect(() => parseTableOptions(['--mixed', '0'], ROWS)).toThrow('--mixed takes a whole number');
    expect(() => parseTableOptions(['--peer', 'http://a', '--peer-pid', '0'], ROWS)).toThrow('--peer-pid');
  });

  it('takes a peer and its process', () => {
    const peer = { url: 'http://127.0.0.1:1', pid: 7 };
    expect(parseTableOptions(['--peer', peer.url, '--peer-pid', '7'], ROWS)?.peer).toEqual(peer);
  });

  it('names every row in its help', () => {
    expect(parseTableOptions(['--help'], ROWS)).toBeUndefined();
    for (const { name } of ROWS) expect(tableUsage(ROWS)).toContain(name);
  });
});

describe('a side of the table', () => {
  const spread = { median: 2, min: 2, max: 2 };
  const ratio = { partner: 'peer', perRound: [2, 3], ...spread, target: undefined, processor: undefined };
  const outcome = (micros: readonly number[]): Outcome => ({
    subject: { name: 'gateway', perSecond: [4, 6], processorMicros: [100, 300] },
    partners: [{ name: 'peer', perSecond: [2, 2], processorMicros: micros }],
    ratios: [ratio],
  });

  it('is held against its partner round by round, in rate and in processor time', () => {
    expect(rateBeside(outcome([200, 400]), 'peer')).toEqual([2, 3]);
    expect(processorBeside(outcome([200, 400]), 'peer')).toEqual([0.5, 0.75]);
  });

  it('has no figure beside a partner that is not there, or whose time is not counted', () => {
    expect(rateBeside(outcome([200, 400]), 'other')).toBeUndefined();
    expect(processorBeside(outcome([200, 400]), 'other')).toBeUndefined();
    expect(processorBeside(outcome([Number.NaN, Number.NaN]), 'peer')).toBeUndefined();
  });

  it('meets those partners alone that a target names', () => {
    const side = (name: string) => ({ name, probe: async () => undefined, measure: async () => 1 });
    const contest = { subject: side('a'), partners: [side('b'), side('c')] };
    expect(among(contest, 'c').partners.map(({ name }) => name)).toEqual(['c']);
    expect(() => among(contest, 'd')).toThrow('no partners d');
  });

  it('has the mean of the turns of each round, without the warm-up', () => {
    expect(meansOfRounds([999, 10, 20, 30, 50], 2)).toEqual([15, 40]);
  });

  it('has no such mean where threads are not timed', () => {
    expect(meansOfRounds([Number.NaN, Number.NaN], 1)).toBeUndefined();
  });

  it('waits for those answers alone that are paid and not settled', () => {
    const samples = parseExposition(`turnpike_requests_total{route="/paid",outcome="paid",code="none"} 41
turnpike_requests_total{route="/credit",outcome="paid",code="none"} 9
turnpike_requests_total{route="/paid",outcome="refused",code="payment_required"} 7
turnpike_payments_total{route="/paid",outcome="settled"} 41
turnpike_payments_total{route="/credit",outcome="settled"} 4
turnpike_payments_total{route="/credit",outcome="failed"} 3
`);
    expect(unsettledIn(samples)).toBe(5);
  });
});
