/**
 * Characters of a path that servers disagree about, by the names that a route allows them with. Dot segments, and whatever
 * is encoded twice, are in no list: they lead out of what a route covers.
 */
export type EncodedCharacter = 'slash' | 'backslash' | 'semicolon' | 'empty';

/** Every one of them. */
export const ENCODED_CHARACTERS: readonly EncodedCharacter[] = ['slash', 'backslash', 'semicolon', 'empty'];

/** What each of them is in a path, one by one. */
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
 * Whether a server may take a path for one that leads elsewhere: read with its slashes decoded, its backslashes as
 * slashes and its parameters dropped, some segment of it is `.` or `..`.
 */
export function leadsElsewhere(path: string): boolean {
  return path.split(/\/|%2F|%5C/i).some((segment) => /^\.{1,2}$/.test(segment.replace(/(?:;|%3B).*$/is, '')));
}

/**
 * Whether the characters stand only below the first segments of a path, where a pattern has its `/*`. In front of it
 * nothing may be read in two ways: it says which route this is, to the gateway and to the API.
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
