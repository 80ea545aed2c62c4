/** What the body of an answer goes through on its way to the client. */
export interface Passage {
  /** Takes the next bytes of the API's; returns what goes out now. */
  pass(chunk: Buffer): readonly Uint8Array[];
  /** The API's answer is complete. The client's is when this resolves; where it rejects, it is cut. */
  end(): Promise<LastPart>;
}

/** What ends an answer that went through a {@link Passage}. */
export interface LastPart {
  readonly bytes: Uint8Array | undefined;
  /** Trailers of the gateway's own. */
  readonly trailers: readonly [name: string, value: string][];
}
