import type { HrTime } from '@opentelemetry/api';

/** What a span clock reads, both in milliseconds. */
export interface ClockSources {
  /** Unix time in whole milliseconds, which an operator or NTP may set. */
  readonly wall: () => number;
  /** Time since some moment, in fractions, which never goes back. */
  readonly monotonic: () => number;
}

/** Says what time it is, within one request. */
export type SpanTime = () => HrTime;

const NANOSECONDS = 1_000_000;

/**
 * Times of spans, finer than the wall clock's whole milliseconds: with those a stage can seem to begin before the stage
 * that it follows. Every request keeps one offset between the two clocks, so that its spans never run backwards. A new
 * request follows a wall clock that was set.
 */
export class SpanClock {
  readonly #sources: ClockSources;
  /** What is added to the monotonic time. */
  #offset = Number.NaN;

  constructor(sources: ClockSources) {
    this.#sources = sources;
  }

  /** The time of one request, with both ends of all its spans. */
  forRequest(): SpanTime {
    const { monotonic } = this.#sources;
    const offset = this.#measure();
    return () => toHrTime(offset, monotonic());
  }

  /** The wall clock cuts off fractions: the true offset is up to one millisecond larger than the measured one. */
  #measure(): number {
    const { wall, monotonic } = this.#sources;
    const least = wall() - monotonic();
    const fits = this.#offset >= least && this.#offset <= least + 1;
    if (!fits) this.#offset = this.#offset > least ? least + 1 : least;
    return this.#offset;
  }
}

/** Added up in parts: one number of milliseconds since 1970 would round to a quarter of a microsecond. */
function toHrTime(offset: number, elapsed: number): HrTime {
  const wholeOffset = Math.floor(offset);
  const wholeElapsed = Math.floor(elapsed);
  const nanoseconds = Math.round((offset - wholeOffset + elapsed - wholeElapsed) * NANOSECONDS);
  const milliseconds = wholeOffset + wholeElapsed + Math.floor(nanoseconds / NANOSECONDS);
  return [Math.floor(milliseconds / 1_000), (milliseconds % 1_000) * NANOSECONDS + (nanoseconds % NANOSECONDS)];
}
