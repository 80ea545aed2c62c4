import type { Metered } from '../domain/metered-price.ts';
import type { Figures } from '../domain/rate.ts';

/** What a meter sees of an answer before its body. */
export interface AnswerFacts {
  /** The path that the API gets, as {@link meteredPath} reads it. */
  readonly path: string;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  /** A header of the answer by its lower-case name; those that came more than once joined with `, `. */
  header(name: string): string | undefined;
}

/** Measures one answer. Takes its body as it arrives, and holds back no more than its last event. */
export interface AnswerMeter {
  /**
   * Whether the answer is a stream, which is sent as it comes. Another answer may be read whole before it is charged.
   */
  readonly streams: boolean;
  /** Whether all is known before the body. */
  readonly knows: boolean;
  /** Whether the held bytes begin where an event begins, so that a comment can be put before them. */
  readonly endsClean: boolean;
  /** Takes the next bytes of the body, and returns the bytes that may go on to the buyer. */
  push(bytes: Uint8Array): readonly Uint8Array[];
  /** Ends the body, and returns the bytes that were held back. */
  finish(): readonly Uint8Array[];
  /** The use that the answer has stated so far: all of it after {@link finish}. */
  metered(): Metered;
  /**
   * The least usage, guessed from the bytes sent, when the buyer left before the answer stated its usage.
   *
   * @param requestBytes length of the request's body
   */
  estimate(requestBytes: number): Figures;
}
