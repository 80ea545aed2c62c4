import { type Answer, requireSame } from './answer.ts';
import { type Spread, spreadOf } from './spread.ts';
import type { Contest, Side } from './suite.ts';

/** The rates of one side, per second, in the order of the rounds. */
export interface SideRates {
  readonly name: string;
  readonly perSecond: readonly number[];
}

/** The subject held against one partner. */
export interface Ratio extends Spread {
  readonly partner: string;
  /** subject / partner, one for each round. */
  readonly perRound: readonly number[];
  readonly target: number | undefined;
}

/** What a contest came to. */
export interface Outcome {
  readonly subject: SideRates;
  readonly partners: readonly SideRates[];
  readonly ratios: readonly Ratio[];
}

/** How long each side runs before the first round, in seconds: compilers and connections settle. */
const WARM_UP_SECONDS = 2;

/**
 * Checks that all sides do the same work, then measures them in turn, second by second: A B A B. A machine that slows
 * down for a while slows both sides of a ratio; the shorter the turns, the more alike it slows them.
 *
 * @param seconds how long each side is measured in a round, all its turns together
 */
export async function interleave(
  contest: Contest,
  rounds: number,
  seconds: number,
  onProgress: (side: string, round: number, perSecond: number) => void,
): Promise<Outcome> {
  const sides: readonly Side[] = [contest.subject, ...contest.partners];
  await requireSameAnswers(sides);
  for (const side of sides) await side.measure(WARM_UP_SECONDS);
  const rates = sides.map(({ name }) => ({ name, perSecond: [] as number[] }));
  for (let round = 1; round <= rounds; round += 1) {
    const means = await measureRound(sides, contest.unbroken === true ? [seconds] : Array(seconds).fill(1));
    for (const [index, perSecond] of means.entries()) {
      rates[index]?.perSecond.push(perSecond);
      onProgress(rates[index]?.name ?? '', round, perSecond);
    }
  }
  const [subject, ...partners] = rates;
  if (subject === undefined) throw new Error('a contest without a subject');
  const ratios = partners.map((partner, index) => ratioOf(subject, partner, contest.partners[index]?.target));
  return { subject, partners, ratios };
}

/** The mean rate of each side, every one of them measured in turn for so many seconds, turn by turn. */
async function measureRound(sides: readonly Side[], turns: readonly number[]): Promise<number[]> {
  const sums = sides.map(() => 0);
  for (const seconds of turns) {
    for (const [index, side] of sides.entries()) {
      sums[index] = (sums[index] ?? 0) + (await side.measure(seconds));
    }
  }
  return sums.map((sum) => sum / turns.length);
}

async function requireSameAnswers(sides: readonly Side[]): Promise<void> {
  let reference: { name: string; answer: Answer } | undefined;
  for (const side of sides) {
    const answer = await side.probe();
    if (answer === undefined) continue;
    if (reference === undefined) reference = { name: side.name, answer };
    else requireSame(reference, { name: side.name, answer });
  }
}

function ratioOf(subject: SideRates, partner: SideRates, target: number | undefined): Ratio {
  const perRound = subject.perSecond.map((rate, round) => rate / (partner.perSecond[round] ?? Number.NaN));
  return { partner: partner.name, perRound, ...spreadOf(perRound), target };
}
