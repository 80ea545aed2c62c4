import type { Field } from './decoder.ts';
import type { Source } from './source.ts';

/** Reports keys of a free route that only mean something where a payment is made: their author expects one. */
export function checkFree<Key extends string>(
  fields: Readonly<Record<Key, Field<unknown>>>,
  keys: readonly Key[],
  source: Source,
): void {
  for (const key of keys) {
    const field = fields[key];
    if (field.kind === 'value')
      source.report(field.place, `${key} has no effect on a free route`, 'a price, or the key left out');
  }
}
