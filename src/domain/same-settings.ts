/**
 * Text that is equal for equal settings and for no others: the content of a part of a plan, in one line. It contains
 * all values, including keys: for comparing, not for showing.
 *
 * Order counts in lists and in maps, and does not in objects.
 */
export function settingsText(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined';
  if (Array.isArray(value)) return `[${value.map(settingsText).join(',')}]`;
  if (value instanceof Map) return `map${settingsText([...value])}`;
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${settingsText(member)}`).join(',')}}`;
}

/** Whether two parts of plans say the same. */
export function sameSettings(one: unknown, other: unknown): boolean {
  return settingsText(one) === settingsText(other);
}
