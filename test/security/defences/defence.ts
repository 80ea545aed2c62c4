/** One defence of the gateway, and how to take it out. */
export interface Defence {
  /** The file below `test/security` whose attack it stops, or with a folder that below `test`; without `.test.ts`. */
  readonly attack: string;
  /** What the names of the tests match that must fail without it: a regular expression, as `vitest -t` takes it. */
  readonly tests: string;
  /** The file below `src` that holds it. */
  readonly source: string;
  /** The text that is taken out; it stands in the file exactly once. */
  readonly text: string;
  /** What stands there instead. */
  readonly instead: string;
}

/** The defences of one attack. */
export function defencesOf(
  attack: string,
  ...rows: readonly (readonly [tests: string, source: string, text: string, instead: string])[]
): readonly Defence[] {
  return rows.map(([tests, source, text, instead]) => ({ attack, tests, source, text, instead }));
}
