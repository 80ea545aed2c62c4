/**
 * Freezes a value and everything plain in it, so that no request can change the plan of another. Maps cannot be frozen
 * by the language; their types here are read-only.
 */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const member of Object.values(value)) deepFreeze(member);
  return value;
}
