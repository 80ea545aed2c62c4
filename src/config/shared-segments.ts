import type { PathPattern, PatternSegment } from '../domain/route.ts';

/** The segments of a price table, each once. Most paths begin alike: a hundred thousand first segments take 4 MB. */
export class SharedSegments {
  readonly #known = new Map<string, PatternSegment>();

  /** The same pattern, whose segments are those of other patterns where they are equal. */
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
