/** Changes the body of an answer on its way to the client. */
export interface Passage {
  /** Whether nothing goes out before the end: then the head waits for it, too. Absent: something may. */
  readonly waits?: boolean;
  /** Takes the next bytes of the API; returns what goes out now. */
  pass(chunk: Buffer): readonly Uint8Array[];
  /** The API's answer is complete. The client's is complete when this resolves; where it rejects, it is cut. */
  end(): Promise<LastPart>;
}

/** The last part of an answer that went through a {@link Passage}. */
export interface LastPart {
  /** What goes out before `bytes`, where that is not in one piece. */
  readonly before?: readonly Uint8Array[];
  readonly bytes: Uint8Array | undefined;
  /** Trailers of the gateway's own. */
  readonly trailers: readonly [name: string, value: string][];
}
