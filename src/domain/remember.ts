/**
 * A bounded memo of `make`. It is cleared when full, so that a flood of new keys costs recomputation, never memory.
 *
 * @param most keys that are kept
 * @param make the value of a key; `undefined` is not kept
 * @param isKept whether a key is worth keeping; default: every one
 */
export function remember<K, V>(
  most: number,
  make: (key: K) => V,
  isKept: (key: K) => boolean = () => true,
): (key: K) => V {
  const known = new Map<K, V>();
  return (key) => {
    const before = known.get(key);
    if (before !== undefined) return before;
    const made = make(key);
    if (made === undefined || !isKept(key)) return made;
    if (known.size === most) known.clear();
    known.set(key, made);
    return made;
  };
}
