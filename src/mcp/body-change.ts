/** Largest body that is held to be changed, in bytes. A larger one passes without the change. */
export const MOST_HELD_BYTES = 8 * 1024 * 1024;

/** Changes the body of an answer while it passes. */
export interface BodyChange {
  /** Whether nothing is sent before the end, unless the body is too large to be held. */
  readonly waits: boolean;
  /** Takes the next bytes; returns what may go out. */
  pass(chunk: Buffer): readonly Buffer[];
  /** What still goes out at the end, in pieces. */
  end(): readonly Buffer[];
}

/** The pieces as one buffer; a single piece is not copied. */
export function joined(pieces: readonly Buffer[]): Buffer {
  const [only] = pieces;
  return only !== undefined && pieces.length === 1 ? only : Buffer.concat(pieces);
}
