import { describe, expect, it } from 'vitest';
import { SETTLED } from '../../src/domain/payment-state.ts';
import { type MeteredEvidence, runMeteredCrash } from '../crash/metered.ts';

/** Killed processes count as gone after 15 s, which nothing can hasten. */
const LONGEST_RUN_MS = 480_000;

describe.concurrent('A gateway that is killed in the middle of metered calls, streams and balances', () => {
  it.each([1, 2])(
    'charges what was written down, once, and its books are those of the chain (seed %i)',
    async (seed) => {
      const evidence = await runMeteredCrash({ seed, kills: 2, store: 'sqlite' });
      expectBooksOfChain(evidence);
      expectWrittenChargesSettled(evidence);
      expectBalancesExact(evidence);
      // A run in which nothing was sold, or nothing was cut off by a kill, would prove nothing.
      expect(evidence.finished.filter(({ kind }) => kind === 'payment').length).toBeGreaterThan(0);
      expect(evidence.finished.filter(({ kind }) => kind === 'balance').length).toBeGreaterThan(0);
      expect(evidence.cut).toBeGreaterThan(0);
    },
    LONGEST_RUN_MS,
  );
});

function expectBooksOfChain({ rows, earned }: MeteredEvidence): void {
  const booked = rows.reduce((sum, { settlement }) => sum + (settlement?.amount ?? 0n), 0n);
  expect(booked).toBe(earned);
}

/**
 * No charge that was written is lost, and none is another one: what was asked for is what was settled. A whole answer that no
 * buyer has had costs nothing where the transaction of its charge never can be mined: another one took its number.
 */
function expectWrittenChargesSettled({ rows, finished }: MeteredEvidence): void {
  const had = new Set(finished.map(({ requestId }) => requestId));
  for (const { key, requestId, state, answered, asked, usage, settlement, reason } of rows) {
    if (usage === undefined) continue;
    if (state === 'failed') {
      const facts = { key, answered, settlement, wasHad: had.has(requestId), reason };
      const why = expect.stringMatching(/^settlement_(replaced|not_sent)$/);
      expect(facts).toEqual({ key, answered: false, settlement: undefined, wasHad: false, reason: why });
      continue;
    }
    expect([key, SETTLED.includes(state), settlement?.amount]).toEqual([key, true, asked]);
  }
  const byRequest = new Map(rows.map((row) => [row.requestId, row]));
  for (const { kind, requestId, charge } of finished) {
    if (kind === 'payment')
      expect([requestId, byRequest.get(requestId)?.settlement?.amount]).toEqual([requestId, charge]);
  }
}

/** What is left is what was bought less what was drawn; and every answer that a buyer has had was drawn, once. */
function expectBalancesExact({ balances, rows, finished }: MeteredEvidence): void {
  const draws = balances.flatMap((balance) => balance.draws);
  for (const { pass, draws: own } of balances) {
    const drawn = own.reduce((sum, { charge }) => sum + charge, 0);
    const { bought = 0 } = pass.quota ?? {};
    expect(pass.quota).toEqual({ bought, available: bought - drawn, lent: 0 });
  }
  const paid = rows.filter(({ scheme, settlement }) => scheme === 'exact' && settlement !== undefined);
  const bought = balances.reduce((sum, { pass }) => sum + BigInt(pass.quota?.bought ?? 0), 0n);
  expect(bought).toBe(paid.reduce((sum, { settlement }) => sum + (settlement?.amount ?? 0n), 0n));
  for (const { kind, requestId, charge } of finished) {
    if (kind !== 'balance') continue;
    const own = draws.filter((draw) => draw.requestId === requestId).map((draw) => BigInt(draw.charge));
    expect([requestId, own]).toEqual([requestId, [charge]]);
  }
}
