import type { CrashResult } from './crash.ts';
import { casesOf, type Violation } from './invariants.ts';
import type { MeteredEvidence } from './metered.ts';

/** The figures of a run, one per line, then what it found. */
export function reportOf({ evidence, deaths, violations, seconds }: CrashResult): string {
  const cases = casesOf(evidence);
  const settled = cases.filter(({ transactions }) => transactions.length > 0);
  // Paid in a life that ended before the answer arrived, and collected without another charge.
  const collected = settled.filter(({ story: { attempts }, paidAt = 0 }) => {
    const served = attempts.find(({ end }) => end.kind === 'served');
    return (
      served !== undefined &&
      attempts.some(({ tick, end }) => end.kind !== 'served' && tick > paidAt && tick < served.tick)
    );
  });
  const authorizations = new Set(evidence.broadcasts.flatMap(({ authorizations }) => authorizations));
  const lines = [
    `payments      ${cases.length}`,
    `kills         ${deaths.length} (${deaths.filter(({ onTime }) => onTime).length} at their instant)`,
    `settled       ${settled.length}, ${evidence.chain.earned} units on chain and in the ledger's sum`,
    `collected     ${collected.length} after trouble that came once they were paid for`,
    `conclusions   ${count(cases.map(({ story }) => story.conclusion))}`,
    `ledger        ${count(evidence.rows.map(({ state }) => state))}`,
    `requests      ${cases.reduce((sum, { story }) => sum + story.attempts.length, 0)}`,
    `API calls     ${count(evidence.calls.map(({ behaviour }) => behaviour))}`,
    `broadcasts    ${evidence.broadcasts.length} of ${new Set(evidence.broadcasts.map(({ hash }) => hash)).size} transactions for ${authorizations.size} authorizations`,
    `recovered     ${count(evidence.log.filter(({ msg }) => msg === 'payment changed state').map(({ state }) => String(state)))}`,
    `time          ${seconds.toFixed(1)} s`,
    ...violations.map(lineOf),
  ];
  return lines.join('\n');
}

/** The same for metered calls, streams and balances. */
export function meteredReportOf(
  { finished, rows, balances, earned, cut }: MeteredEvidence,
  violations: readonly Violation[],
): string {
  const draws = balances.flatMap((balance) => balance.draws);
  const drawn = draws.reduce((sum, { charge }) => sum + charge, 0);
  const lines = [
    `answers had   ${count(finished.map(({ kind }) => kind))}`,
    `cut off       ${cut} calls by a kill`,
    `earned        ${earned} units on chain and in the ledger's sum`,
    `ledger        ${count(rows.map(({ state }) => state))}`,
    `balances      ${balances.length}, ${draws.filter(({ charge }) => charge > 0).length} calls drew ${drawn} units, ${draws.filter(({ charge }) => charge === 0).length} drew nothing`,
    ...violations.map(lineOf),
  ];
  return lines.join('\n');
}

function lineOf({ rule, what }: Violation): string {
  return `VIOLATION     ${rule}: ${what}`;
}

function count(names: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return (
    [...counts]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, times]) => `${name} ${times}`)
      .join(', ') || 'none'
  );
}
