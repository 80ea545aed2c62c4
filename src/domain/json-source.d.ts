import type { Json } from './x402.ts';

declare global {
  /** Texts of numbers in JSON (TC39 "JSON.parse source text access"): V8 has them, TypeScript's library does not know yet. */
  interface JSON {
    /** A value that is written as this text. */
    rawJSON(text: string): Json;
    /** Whether a value is one that {@link rawJSON} made. */
    isRawJSON(value: unknown): boolean;
    /** Tells the reviver each number as it is written. */
    parse(
      text: string,
      reviver: (this: unknown, key: string, value: Json, context: { readonly source?: string }) => Json,
    ): Json;
  }
}
