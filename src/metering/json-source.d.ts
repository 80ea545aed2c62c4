/** Texts of numbers in JSON: V8 has them, TypeScript's library does not know yet. */
interface JSON {
  /** A value that is written as this text. */
  rawJSON(text: string): unknown;
  /** Tells the reviver each number as it is written. */
  parse(
    text: string,
    reviver: (this: unknown, key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
}
