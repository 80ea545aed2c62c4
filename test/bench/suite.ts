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
  /** Whether a round measures each side once, for as long as the round is; else in turns of a second. */
  readonly unbroken?: boolean;
}

/** One question about performance: a subject and its partners, which do the same work. */
export interface Suite {
  /** One line for the table. */
  readonly title: string;
  /** What one operation is, such as `requests`. */
  readonly unit: string;
  /** Starts all sides on the workbench, which ends what was started on it. */
  open(bench: Workbench): Promise<Contest>;
}
