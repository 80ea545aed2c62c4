import { findField } from '../../domain/flat-fields.ts';
import { mergeFieldList } from '../field-list.ts';

/** Characters that a value must not hold: above all a line break, which would begin another header. */
export const FORBIDDEN_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

/** Adds members to the list that a header holds, and the header where there is none. */
export function mergeInto(out: string[], name: string, additions: readonly string[]): void {
  const lower = name.toLowerCase();
  const at = findField(out, lower);
  if (at === -1) out.push(name, additions.join(', '));
  else if (lower !== 'vary' || out[at + 1]?.trim() !== '*') out[at + 1] = mergeFieldList(out[at + 1] ?? '', additions);
}
