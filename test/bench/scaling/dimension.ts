import { interleave } from '../interleave.ts';
import { residentMegabytes } from '../resident-memory.ts';
import { type Spread, spreadOf } from '../spread.ts';
import type { Side } from '../suite.ts';
import type { Workbench } from '../workbench.ts';

/** A figure that is taken once, before the load begins. */
export interface Fact {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
}

/** A gateway with so much of something. */
export interface Level {
  readonly side: Side;
  readonly pid: number;
  readonly facts?: readonly Fact[];
}

/** Something that there can be little or much of. */
export interface Dimension {
  /** What there is more and more of, such as `routes`. */
  readonly title: string;
  /** What the load consists of, such as `a free route`. */
  readonly load: string;
  /** From the smallest, which the others are held against, to the largest. */
  readonly sizes: readonly number[];
  /** Whether each size is measured for a whole round at once, because its load takes a while to build up. */
  readonly unbroken?: boolean;
  open(bench: Workbench, size: number): Promise<Level>;
}

/** What one size came to. */
export interface LevelFigures {
  readonly size: number;
  readonly perSecond: readonly number[];
  /** Its rate / that of the smallest size, round by round. */
  readonly ratio: Spread;
  /** Resident memory after its last turn under load, in MB. */
  readonly megabytes: number;
  readonly facts: readonly Fact[];
}

/** Sides that do nothing to be compared: each answers what it has, and all have the same route. */
const SILENT = async () => undefined;

/** Opens every size, and measures them in turn. All figures are ratios to the smallest size. */
export async function measureDimension(
  { open, sizes, unbroken = false }: Dimension,
  bench: Workbench,
  rounds: number,
  seconds: number,
  onProgress: (size: string, round: number, perSecond: number) => void,
): Promise<readonly LevelFigures[]> {
  const levels: (Level & { readonly size: number; megabytes: number })[] = [];
  for (const size of sizes) levels.push({ size, megabytes: 0, ...(await open(bench, size)) });
  const sides = levels.map((level) => ({
    name: String(level.size),
    probe: SILENT,
    async measure(turn: number) {
      const rate = await level.side.measure(turn);
      level.megabytes = await residentMegabytes(level.pid);
      return rate;
    },
  }));
  const [subject, ...partners] = sides;
  if (subject === undefined) throw new Error('a dimension without sizes');
  const outcome = await interleave({ subject, partners, unbroken }, rounds, seconds, onProgress);
  const smallest = outcome.subject.perSecond;
  return [outcome.subject, ...outcome.partners].map(({ perSecond }, index) => ({
    size: sizes[index] ?? 0,
    perSecond,
    ratio: spreadOf(perSecond.map((rate, round) => rate / (smallest[round] ?? Number.NaN))),
    megabytes: levels[index]?.megabytes ?? Number.NaN,
    facts: levels[index]?.facts ?? [],
  }));
}
