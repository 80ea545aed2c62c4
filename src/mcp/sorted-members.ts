import { isRecord } from '../domain/exact-json.ts';
import type { Json } from '../domain/x402.ts';

/** A value of JSON with the members of its objects in the order of their names. */
export function sortedMembers(value: Json): Json {
  if (Array.isArray(value)) return value.map(sortedMembers);
  if (!isRecord(value)) return value;
  const names = Object.keys(value).sort();
  // No prototype: a member `__proto__` is one like others.
  const ordered: Record<string, Json> = Object.create(null);
  for (const name of names) ordered[name] = sortedMembers(value[name] ?? null);
  return ordered;
}
