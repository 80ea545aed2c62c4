/** The fields that a payment protocol uses, in the spelling of its specification. */
export interface ProtocolHeaders {
  /** What clients send. Answers vary by them, browsers may send them, and they are never forwarded. */
  readonly request: readonly string[];
  /** Headers for clients. Scripts may read them, and an API's own are never relayed. */
  readonly response: readonly string[];
  /**
   * Rules for those fields that an API uses too, such as `Authorization`, by lower-case name. A rule removes the
   * protocol's part of a value. The rest passes, in both directions; a value of which nothing is left is removed.
   */
  readonly shared?: Readonly<Record<string, (value: string) => string>>;
}
