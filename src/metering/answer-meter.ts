import type { Metered } from '../domain/metered-price.ts';
import type { Figures } from '../domain/rate.ts';

/** What a meter sees of an answer before its body. */
export interface AnswerFacts {
  /** The path that was asked for. */
  readonly path: string;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  /** A header of the answer by its lower-case name; those that came more than once joined with `, `. */
  header(name: string): string | undefined;
}

/** Measures one answer. Takes its body as it comes, and holds back no more than its last event. */
export interface AnswerMeter {
  /**
   * Whether the answer is a stream, which is sent as it comes. Another answer may be read whole before it is charged.
   */
  readonly streams: boolean;
  /** Whether all is known before the body. */
  readonly knows: boolean;
  /** Whether what was held back begins where an event begins, so that something can be put before it. */
  readonly endsClean: boolean;
  /** Takes the next bytes of the body; what may go on to the buyer. */
  push(bytes: Uint8Array): readonly Uint8Array[];
  /** The body is over; what was held back of it. */
  finish(): readonly Uint8Array[];
  /** The use that the answer has stated so far: all of it after {@link finish}. */
  metered(): Metered;
  /**
   * What was used at least, guessed from what went out, when the buyer left before the answer said so.
   *
   * @param requestBytes length of the request's body
   */
  estimate(requestBytes: number): Figures;
}
