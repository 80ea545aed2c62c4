/** The value at a place that was looked for. A number keeps its text. */
export type Fact =
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'boolean'; readonly value: boolean }
  /** An object, an array, or a text longer than any that is looked for. */
  | { readonly kind: 'other' };

/**
 * The values of one document at the places that were looked for, by pointer. A place that is absent or `null` has no
 * entry. Of the elements of an array the last one counts.
 */
export type Facts = ReadonlyMap<string, Fact>;

/**
 * How many bytes of text one document has at the places that were looked for, by pointer, as they are written. Those of
 * all elements of arrays add up.
 */
export type Lengths = ReadonlyMap<string, number>;

/** The text at a place, when there is one. */
export function textAt(facts: Facts, pointer: string): string | undefined {
  const fact = facts.get(pointer);
  return fact?.kind === 'text' ? fact.text : undefined;
}

/** What counts as a figure: a number, or a text, which may hold one. The text of anything else is no number. */
export function figureText(fact: Fact): string {
  if (fact.kind === 'boolean') return String(fact.value);
  return fact.kind === 'number' || fact.kind === 'text' ? fact.text : '';
}
