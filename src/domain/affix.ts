import { meaningOf } from './request-target.ts';
import type { PatternSegment } from './route.ts';

/** The literal text around a parameter that is a part of its segment, without escapes. */
export interface Affix {
  readonly prefix: string;
  readonly suffix: string;
}

/** What the literals of a segment such as `{model}:generateContent` mean. */
export function affixOf({ prefix, suffix }: Extract<PatternSegment, { kind: 'affix' }>): Affix {
  return { prefix: meaningOf(prefix), suffix: meaningOf(suffix) };
}

/** Whether a segment, without escapes, has both literals and at least one character between them. */
export function takes({ prefix, suffix }: Affix, segment: string): boolean {
  return segment.length > prefix.length + suffix.length && segment.startsWith(prefix) && segment.endsWith(suffix);
}

/** Whether some segment is taken by both: one prefix begins the other, and one suffix ends the other. */
export function overlap(one: Affix, other: Affix): boolean {
  const prefixes = one.prefix.startsWith(other.prefix) || other.prefix.startsWith(one.prefix);
  return prefixes && (one.suffix.endsWith(other.suffix) || other.suffix.endsWith(one.suffix));
}

/** Whether some segment is taken by both, and neither is the more specific: `a{x}` and `{x}b` for `a1b`. */
export function isAmbiguous(one: Affix, other: Affix): boolean {
  return overlap(one, other) && !isWithin(one, other) && !isWithin(other, one);
}

/** Sorts the more specific first: an affix within another has more literal text. The rest of the order is arbitrary but fixed. */
export function compareAffixes(one: Affix, other: Affix): number {
  const byLength = other.prefix.length + other.suffix.length - one.prefix.length - one.suffix.length;
  if (byLength !== 0) return byLength;
  const [text, otherText] = [`${one.prefix}/${one.suffix}`, `${other.prefix}/${other.suffix}`];
  return text < otherText ? -1 : Number(text > otherText);
}

function isWithin(inner: Affix, outer: Affix): boolean {
  return inner.prefix.startsWith(outer.prefix) && inner.suffix.endsWith(outer.suffix);
}
