import type { PathPattern, PatternSegment } from '../domain/route.ts';

/** The segments of a price table, each once: most paths begin alike, and a hundred thousand first segments are 4 MB. */
export class SharedSegments {
  readonly #known = new Map<string, PatternSegment>();

  /** The same pattern, of segments that other patterns have, too. */
  in({ segments, ...pattern }: PathPattern): PathPattern {
    return { ...pattern, segments: segments.map((segment) => this.#shared(segment)) };
  }

  #shared(segment: PatternSegment): PatternSegment {
    const key = JSON.stringify(segment);
    const known = this.#known.get(key) ?? segment;
    this.#known.set(key, known);
    return known;
  }
}
