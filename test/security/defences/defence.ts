/** One defence of the gateway, and how to take it out. */
export interface Defence {
  /** The file below `test/security` whose attack it stops, or with a folder that below `test`; without `.test.ts`. */
  readonly attack: string;
  /** What the names of the tests match that must fail without it: a regular expression, as `vitest -t` takes it. */
  readonly tests: string;
  /** The function, class, `Class.method` or constant of `src` that holds it, in whatever file. */
  readonly holder: string;
  /** What is taken out; it stands there exactly once, with any white space. */
  readonly condition: string;
  /** What stands there instead. */
  readonly instead: string;
}

/** The defences of one attack. */
export function defencesOf(
  attack: string,
  ...rows: readonly (readonly [tests: string, holder: string, condition: string, instead: string])[]
): readonly Defence[] {
  return rows.map(([tests, holder, condition, instead]) => ({ attack, tests, holder, condition, instead }));
}
