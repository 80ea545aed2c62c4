/** Whether lists and maps stand within each other more than `most` times. The value is a tree: it holds no circle. */
export function isDeeper(value: unknown, most: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return most === 0 || Object.values(value).some((member) => isDeeper(member, most - 1));
}
