/**
 * Characters of a path that servers disagree about, by the names that a route allows them with. Dot segments and double
 * encodings cannot be allowed: they lead out of the paths that a route covers.
 */
export type EncodedCharacter = 'slash' | 'backslash' | 'semicolon' | 'empty';

/** All of these characters. */
export const ENCODED_CHARACTERS: readonly EncodedCharacter[] = ['slash', 'backslash', 'semicolon', 'empty'];

/** The spellings of each character in a path. */
const SPELLINGS: Readonly<Record<EncodedCharacter, RegExp>> = {
  slash: /%2F/i,
  backslash: /%5C/i,
  semicolon: /;|%3B/i,
  /** `//`, as in `/read/https://example.com`. */
  empty: /(?<=\/)\//,
};

/** Which of the characters a canonical path holds. */
export function encodedIn(path: string): readonly EncodedCharacter[] {
  return ENCODED_CHARACTERS.filter((name) => SPELLINGS[name].test(path));
}

/**
 * Whether a server may read a `.` or `..` segment in a path: after encoded slashes are decoded, backslashes are read as
 * slashes, and parameters are dropped.
 */
export function leadsElsewhere(path: string): boolean {
  return path.split(/\/|%2F|%5C/i).some((segment) => /^\.{1,2}$/.test(segment.replace(/(?:;|%3B).*$/is, '')));
}

/**
 * Whether the characters stand only below the first segments of a path, where a pattern has its `/*`. The part in front
 * of it must have one reading only: it selects the route, for the gateway and for the API.
 *
 * @param segments how many
 */
export function isBelowFront(path: string, segments: number): boolean {
  let front = 0;
  for (let count = 0; count < segments; count += 1) {
    front = path.indexOf('/', front + 1);
    if (front === -1) return encodedIn(path).length === 0;
  }
  return encodedIn(path.slice(0, front)).length === 0;
}
