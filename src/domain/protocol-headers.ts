/** The fields that a payment protocol uses, in the spelling of its specification. */
export interface ProtocolHeaders {
  /** What clients send. Answers vary by them, browsers may send them, and they are never forwarded. */
  readonly request: readonly string[];
  /** Headers for clients. Scripts may read them, and an API's own are never relayed. */
  readonly response: readonly string[];
  /**
   * The fields among them that an API uses too, such as `Authorization`, by their lower-case names: what of a value has
   * nothing of the protocol in it. That passes, in both directions; a value of which nothing is left is removed.
   */
  readonly shared?: Readonly<Record<string, (value: string) => string>>;
}
