/** Where a name stands in a flat list of names and values, as Node has header fields; -1 where it does not. */
export function findField(list: readonly string[], lower: string, from = 0): number {
  for (let i = from; i + 1 < list.length; i += 2) {
    if (list[i]?.length === lower.length && list[i]?.toLowerCase() === lower) return i;
  }
  return -1;
}

/** The first value that a flat list has under a name; `undefined` where it has none. */
export function fieldIn(list: readonly string[], lower: string): string | undefined {
  const at = findField(list, lower);
  return at === -1 ? undefined : list[at + 1];
}
