import { isDeepStrictEqual } from 'node:util';
import type { PaymentRecord } from '../../src/domain/payment-record.ts';
import { SETTLED } from '../../src/domain/payment-state.ts';
import type { Violation } from './invariants.ts';
import type { MeteredEvidence } from './metered.ts';

/** Why a written charge may have been dropped: its transaction can never be mined, because another one took its nonce. */
const NEVER_MINED = /^settlement_(replaced|not_sent)$/;

/** The broken invariants of metered calls and balances. */
export function findMeteredViolations(evidence: MeteredEvidence): readonly Violation[] {
  return [
    ...booksAndChain(evidence),
    ...atRest(evidence),
    ...writtenCharges(evidence),
    ...paymentsOfBuyers(evidence),
    ...balancesExact(evidence),
    ...drawsOfBuyers(evidence),
  ];
}

function booksAndChain({ rows, earned }: MeteredEvidence): readonly Violation[] {
  const booked = rows.reduce((sum, { settlement }) => sum + (settlement?.amount ?? 0n), 0n);
  return unless(booked === earned, 'the sums agree to the unit', `ledger ${booked}, payee ${earned}`);
}

function atRest({ rows }: MeteredEvidence): readonly Violation[] {
  const ends = ['released', 'failed', ...SETTLED];
  return rows.flatMap(({ key, state, reason }) =>
    unless(ends.includes(state), 'every payment comes to an end', `${key} is ${state} (${reason})`),
  );
}

/** A whole answer that no buyer got costs nothing where its transaction can never be mined. */
function writtenCharges({ rows, finished }: MeteredEvidence): readonly Violation[] {
  const had = new Set(finished.map(({ requestId }) => requestId));
  return rows.flatMap((row) => {
    const { key, state, asked, usage, settlement, reason } = row;
    if (usage === undefined) return [];
    const what = `${key} is ${state} (${reason}): asked ${asked}, settled ${settlement?.amount}`;
    const holds = state === 'failed' ? mayFail(row, had) : SETTLED.includes(state) && settlement?.amount === asked;
    return unless(holds, 'a charge that was written is settled, and no other', what);
  });
}

function mayFail({ requestId, answered, settlement, reason }: PaymentRecord, had: ReadonlySet<string>): boolean {
  return !answered && settlement === undefined && !had.has(requestId) && NEVER_MINED.test(reason ?? '');
}

function paymentsOfBuyers({ rows, finished }: MeteredEvidence): readonly Violation[] {
  const byRequest = Map.groupBy(rows, ({ requestId }) => requestId);
  return finished.flatMap(({ kind, requestId, charge }) => {
    if (kind !== 'payment') return [];
    const settled = (byRequest.get(requestId) ?? []).map(({ settlement }) => settlement?.amount);
    const what = `${requestId} used ${charge}, settled ${settled.join(', ')}`;
    return unless(isDeepStrictEqual(settled, [charge]), 'an answer that was had is paid, once, for what it used', what);
  });
}

/** The rest equals what was bought minus what was drawn, and what was bought equals what was paid. */
function balancesExact({ balances, rows }: MeteredEvidence): readonly Violation[] {
  const rule = 'balances are exact';
  const found = balances.flatMap(({ pass: { id, quota }, draws }) => {
    const drawn = draws.reduce((sum, { charge }) => sum + charge, 0);
    const bought = quota?.bought ?? 0;
    const holds = isDeepStrictEqual(quota, { bought, available: bought - drawn, lent: 0 });
    return unless(holds, rule, `${id} is ${JSON.stringify(quota)}, drawn ${drawn}`);
  });
  const sold = balances.reduce((sum, { pass }) => sum + BigInt(pass.quota?.bought ?? 0), 0n);
  const paid = rows
    .filter(({ scheme }) => scheme === 'exact')
    .reduce((sum, { settlement }) => sum + (settlement?.amount ?? 0n), 0n);
  return [...found, ...unless(sold === paid, rule, `sold ${sold}, paid ${paid}`)];
}

function drawsOfBuyers({ balances, finished }: MeteredEvidence): readonly Violation[] {
  const draws = Map.groupBy(
    balances.flatMap((balance) => balance.draws),
    ({ requestId }) => requestId,
  );
  return finished.flatMap(({ kind, requestId, charge }) => {
    if (kind !== 'balance') return [];
    const own = (draws.get(requestId) ?? []).map((draw) => BigInt(draw.charge));
    const what = `${requestId} used ${charge}, drawn ${own.join(', ')}`;
    return unless(isDeepStrictEqual(own, [charge]), 'an answer that was had is drawn, once, for what it used', what);
  });
}

function unless(holds: boolean, rule: string, what: string): readonly Violation[] {
  return holds ? [] : [{ rule, what }];
}
