import { findField } from '../../domain/flat-fields.ts';
import { mergeFieldList } from '../field-list.ts';
import { FRAMING } from './names.ts';

/** Characters that a value must not hold: above all a line break, which would begin another header. */
export const FORBIDDEN_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

/** Adds members to the list that a header holds, and the header where there is none. */
export function mergeInto(out: string[], name: string, additions: readonly string[]): void {
  const lower = name.toLowerCase();
  const at = findField(out, lower);
  if (at === -1) out.push(name, additions.join(', '));
  else if (lower !== 'vary' || out[at + 1]?.trim() !== '*') out[at + 1] = mergeFieldList(out[at + 1] ?? '', additions);
}

/** Lower-case names that the list's `Connection` headers nominate as hop-by-hop. */
export function nominatedBy(raw: readonly string[]): ReadonlySet<string> | undefined {
  let nominated: Set<string> | undefined;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? '';
    if (name.length !== 10 || name.toLowerCase() !== 'connection') continue;
    for (const token of (raw[i + 1] ?? '').toLowerCase().split(',')) {
      const option = token.trim();
      if (option === '' || option === 'keep-alive' || option === 'close' || option === FRAMING) continue;
      nominated ??= new Set();
      nominated.add(option);
    }
  }
  return nominated;
}
