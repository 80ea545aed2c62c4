import type { Answer } from './answer.ts';
import type { Workbench } from './workbench.ts';

/** One of the systems that a suite compares. */
export interface Side {
  readonly name: string;
  /**
   * One answer of this side, taken before anything is measured: all sides of a suite must give the same. `undefined`
   * for a side that does other work and is there as a scale.
   */
  probe(): Promise<Answer | undefined>;
  /** Puts the side under load for so long and returns its rate, per second. */
  measure(seconds: number): Promise<number>;
  /** The process whose processor time, all threads, is counted beside the rate. */
  readonly pid?: number | undefined;
}

/** A side that the subject is held against. */
export interface Partner extends Side {
  /** The ratio subject / partner that the project aims at, where it has an aim. */
  readonly target?: number;
}

/** What a suite compares, running. */
export interface Contest {
  readonly subject: Side;
  readonly partners: readonly Partner[];
  /** What the subject is to reach by itself, per second, where the project has such an aim. */
  readonly targetPerSecond?: number;
  /** How long each side runs before the first round, in seconds. Default: as long as V8 compiles one process. */
  readonly warmUpSeconds?: number;
  /** Whether a round measures each side once, for as long as the round is; else in turns of a second. */
  readonly unbroken?: boolean;
}

/** One question about how much is done in a time: a subject and its partners, which do the same work. More is better. */
export interface RateSuite {
  readonly kind: 'rates';
  /** One line for the table. */
  readonly title: string;
  /** What one operation is, such as `requests`. */
  readonly unit: string;
  /** Starts all sides on the workbench, which ends what was started on it. */
  open(bench: Workbench): Promise<Contest>;
}

/** Something that a gateway takes up. Less is better. */
export interface Cost {
  readonly name: string;
  /** Such as `ms` or `MB`. */
  readonly unit: string;
  /** The most that the project aims at, in the unit; none for a figure that is there as a scale. */
  readonly atMost?: number;
}

/** What is measured in every round anew. */
export interface Meter {
  readonly costs: readonly Cost[];
  /** One round, of about so many seconds: a figure for each of `costs`, in their order. */
  measure(seconds: number): Promise<readonly number[]>;
}

/** One question about what a gateway takes up: time or memory, in figures of their own. Less is better. */
export interface CostSuite {
  readonly kind: 'costs';
  /** One line for the table. */
  readonly title: string;
  /** Starts what is measured on the workbench, which ends what was started on it. */
  open(bench: Workbench): Promise<Meter>;
}

/** One question about performance. */
export type Suite = RateSuite | CostSuite;
