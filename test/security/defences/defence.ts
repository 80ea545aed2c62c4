/** One defence of the gateway, and how to remove it. */
export interface Defence {
  /** The file below `test/security` whose attack it stops, or with a folder that below `test`; without `.test.ts`. */
  readonly attack: string;
  /** A regular expression, as `vitest -t` takes it: it matches the names of the tests that must fail without the defence. */
  readonly tests: string;
  /** The function, class, `Class.method` or constant in any file of `src` that holds it. */
  readonly holder: string;
  /** The code that is removed; it is there exactly once, with any white space. */
  readonly condition: string;
  /** The code that replaces it. */
  readonly instead: string;
}

/** The defences of one attack. */
export function defencesOf(
  attack: string,
  ...rows: readonly (readonly [tests: string, holder: string, condition: string, instead: string])[]
): readonly Defence[] {
  return rows.map(([tests, holder, condition, instead]) => ({ attack, tests, holder, condition, instead }));
}
