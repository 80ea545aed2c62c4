/**
 * Keeps what was made of the keys that come again and again, and forgets all of it when it gets too much: whoever sends
 * ever new keys makes them be read anew, no more.
 *
 * @param most keys that are kept
 * @param make what a key comes to; `undefined` is not kept
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
