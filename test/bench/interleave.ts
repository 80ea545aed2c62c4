import { type Answer, requireSame } from './answer.ts';
import { processorMicrosOf } from './processor-time.ts';
import { type Spread, spreadOf } from './spread.ts';
import type { Contest, Side } from './suite.ts';

/** The rates of one side, per second, in the order of the rounds. */
export interface SideRates {
  readonly name: string;
  readonly perSecond: readonly number[];
  /** Microseconds of processor time, all threads, for one operation, in the order of the rounds; NaN where not counted. */
  readonly processorMicros: readonly number[];
}

/** The subject held against one partner. */
export interface Ratio extends Spread {
  readonly partner: string;
  /** subject / partner, one for each round. */
  readonly perRound: readonly number[];
  readonly target: number | undefined;
  /** subject / partner in processor time, where both are counted. Less is better. */
  readonly processor: Spread | undefined;
}

/** What a contest came to. */
export interface Outcome {
  readonly subject: SideRates;
  readonly partners: readonly SideRates[];
  readonly ratios: readonly Ratio[];
}

/**
 * How long each side runs before the first round, in seconds: compilers and connections settle. On two cores V8 compiles
 * a gateway for some six seconds of load; after two, a first round has half of what the third one has. It is in turns,
 * too: in a pause of the others' eight seconds a gateway gives back its memory, and a part of what was compiled.
 */
export const WARM_UP_SECONDS = 8;

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
  await measureRound(sides, turnsOf(contest, contest.warmUpSeconds ?? WARM_UP_SECONDS));
  const rates = sides.map(({ name }) => ({ name, perSecond: [] as number[], processorMicros: [] as number[] }));
  for (let round = 1; round <= rounds; round += 1) {
    const means = await measureRound(sides, turnsOf(contest, seconds));
    for (const [index, { perSecond, processorMicros }] of means.entries()) {
      rates[index]?.perSecond.push(perSecond);
      rates[index]?.processorMicros.push(processorMicros);
      onProgress(rates[index]?.name ?? '', round, perSecond);
    }
  }
  const [subject, ...partners] = rates;
  if (subject === undefined) throw new Error('a contest without a subject');
  const ratios = partners.map((partner, index) => ratioOf(subject, partner, contest.partners[index]?.target));
  return { subject, partners, ratios };
}

/** The turns of a second that make up so many seconds, or one of them all. */
function turnsOf({ unbroken }: Contest, seconds: number): readonly number[] {
  return unbroken === true ? [seconds] : Array<number>(seconds).fill(1);
}

/** The mean rate of each side, every one of them measured in turn for so many seconds, turn by turn. */
async function measureRound(sides: readonly Side[], turns: readonly number[]): Promise<Turn[]> {
  const sums = sides.map(() => ({ rates: 0, operations: 0, micros: 0 }));
  for (const seconds of turns) {
    for (const [index, side] of sides.entries()) {
      const sum = sums[index];
      if (sum === undefined) continue;
      const before = await processorMicrosOf(side.pid);
      const rate = await side.measure(seconds);
      sum.rates += rate;
      sum.operations += rate * seconds;
      sum.micros += (await processorMicrosOf(side.pid)) - before;
    }
  }
  return sums.map(({ rates, operations, micros }) => ({
    perSecond: rates / turns.length,
    processorMicros: micros / operations,
  }));
}

/** What one round gave for a side. */
interface Turn {
  readonly perSecond: number;
  readonly processorMicros: number;
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
  const processor = partner.processorMicros.map(
    (micros, round) => (subject.processorMicros[round] ?? Number.NaN) / micros,
  );
  const counted = processor.every(Number.isFinite);
  return {
    partner: partner.name,
    perRound,
    ...spreadOf(perRound),
    target,
    processor: counted ? spreadOf(processor) : undefined,
  };
}
