import { type Spread, spreadOf } from '../spread.ts';
import type { Workbench } from '../workbench.ts';

/** What a figure is to come to. */
export interface Target {
  readonly bound: 'at least' | 'at most';
  readonly value: number;
}

/** One figure of a row, and its target. */
export interface Aim {
  readonly name: string;
  /** Such as `ms`; `''` for a ratio. */
  readonly unit: string;
  readonly target: Target;
  /** What it takes that a machine or a run may not have: a gateway of another make, its process, or `/proc`. */
  readonly needs?: '--peer' | '--peer-pid' | 'Linux';
}

/** How a row is measured. */
export interface Plan {
  readonly rounds: number;
  /** How long each side is measured in a round. */
  readonly seconds: number;
  /** How long mixed traffic lasts before the paths are held against those of a fresh gateway, in seconds. */
  readonly mixedSeconds: number;
  readonly say: (text: string) => void;
}

/** One value for each round; `undefined` for what {@link Aim.needs} something that is not there. */
export type Rounds = readonly number[] | undefined;

/** One line of the targets: a path, or something that a gateway takes up. */
export interface Row {
  /** As `--only` takes it. */
  readonly name: string;
  readonly title: string;
  readonly aims: readonly Aim[];
  /** Measures all aims, in their order, on a workbench that is cleared afterwards. */
  measure(bench: Workbench, plan: Plan): Promise<readonly Rounds[]>;
}

/** What became of an aim. */
export type Figure = Aim &
  (
    | ({ readonly kind: 'measured'; readonly perRound: readonly number[]; readonly reached: boolean } & Spread)
    | { readonly kind: 'missing'; readonly reason: string }
  );

/** What a row came to. */
export interface RowFinding extends Pick<Row, 'name' | 'title'> {
  readonly figures: readonly Figure[];
  readonly seconds: number;
}

/** Measures a row. A fault becomes the reason of its figures: the rows after it are measured all the same. */
export async function measureRow(
  { name, title, aims, measure }: Row,
  bench: Workbench,
  plan: Plan,
): Promise<RowFinding> {
  const startedAt = performance.now();
  const seconds = (): number => (performance.now() - startedAt) / 1000;
  try {
    const values = await measure(bench, plan);
    if (values.length !== aims.length) throw new Error(`${values.length} figures for ${aims.length} targets`);
    const figures = aims.map((aim, index) => figureOf(aim, values[index]));
    return { name, title, figures, seconds: seconds() };
  } catch (fault) {
    const reason = `failed: ${fault instanceof Error ? fault.message : String(fault)}`;
    const figures = aims.map((aim) => ({ ...aim, kind: 'missing' as const, reason }));
    return { name, title, figures, seconds: seconds() };
  }
}

/** Whether a row could not be measured, other than for want of what it needs. */
export function hasFailed({ figures }: RowFinding): boolean {
  return figures.some((figure) => figure.kind === 'missing' && figure.reason.startsWith('failed'));
}

/** Holds the median of the rounds against the target. */
export function figureOf(aim: Aim, perRound: Rounds): Figure {
  if (perRound === undefined) {
    if (aim.needs === undefined) throw new Error(`${aim.name} was not measured`);
    return { ...aim, kind: 'missing', reason: `needs ${aim.needs}` };
  }
  if (perRound.length === 0 || !perRound.every(Number.isFinite)) throw new Error(`${aim.name} gave no number`);
  const spread = spreadOf(perRound);
  return { ...aim, kind: 'measured', perRound, ...spread, reached: reaches(spread.median, aim.target) };
}

function reaches(value: number, { bound, value: target }: Target): boolean {
  return bound === 'at least' ? value >= target : value <= target;
}

/** A ratio of which more is better. */
export function atLeast(value: number, name: string, needs?: Aim['needs']): Aim {
  return aimOf({ bound: 'at least', value }, name, '', needs);
}

/** A ratio or an amount of which less is better. */
export function atMost(value: number, name: string, unit = '', needs?: Aim['needs']): Aim {
  return aimOf({ bound: 'at most', value }, name, unit, needs);
}

function aimOf(target: Target, name: string, unit: string, needs: Aim['needs']): Aim {
  return { name, unit, target, ...(needs === undefined ? {} : { needs }) };
}
