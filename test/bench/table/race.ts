import { interleave, type Outcome, type Ratio } from '../interleave.ts';
import type { Contest } from '../suite.ts';
import type { Plan, Rounds } from './row.ts';

/** Measures a contest in turns. */
export async function race(contest: Contest, { rounds, seconds, say }: Plan): Promise<Outcome> {
  return await interleave(contest, rounds, seconds, (side, round, perSecond) => {
    say(`${round}/${rounds} ${side}: ${Math.round(perSecond)}/s`);
  });
}

/** The contest with those partners alone, by name: the others would take time and are in no target. */
export function among(contest: Contest, ...names: readonly string[]): Contest {
  const partners = contest.partners.filter(({ name }) => names.includes(name));
  if (partners.length !== names.length) throw new Error(`no partners ${names.join(', ')}`);
  return { ...contest, partners };
}

/** The rate of the subject beside that of a partner, round by round; `undefined` without that partner. */
export function rateBeside({ ratios }: Outcome, partner: string): Rounds {
  return ratioOf(ratios, partner)?.perRound;
}

/** The same in processor time of an operation, all threads; `undefined` where it is not counted on both sides. */
export function processorBeside({ subject, partners }: Outcome, partner: string): Rounds {
  const other = partners.find(({ name }) => name === partner)?.processorMicros;
  if (other === undefined || !other.every(Number.isFinite)) return undefined;
  return subject.processorMicros.map((micros, round) => micros / (other[round] ?? Number.NaN));
}

function ratioOf(ratios: readonly Ratio[], partner: string): Ratio | undefined {
  return ratios.find((ratio) => ratio.partner === partner);
}
