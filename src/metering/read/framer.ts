import type { Lengths } from './facts.ts';
import type { Scanned } from './json-scanner.ts';

/** One event of a body. */
export type BodyEvent =
  | { readonly kind: 'document'; readonly scanned: Scanned }
  /** `data: [DONE]`, which ends the streams of one dialect and is no JSON. */
  | { readonly kind: 'done' }
  /** A comment, an empty event, or an event without data. */
  | { readonly kind: 'nothing' };

/** Called with an event, and where in the latest bytes it ended. */
export type OnEvent = (event: BodyEvent, end: number) => void;

/** Finds the events in a body, as its bytes come and wherever they are split. Memory does not grow with the body. */
export interface Framer {
  /** The lengths of the document that has begun and is not over. */
  readonly open: Lengths;
  push(bytes: Uint8Array, onEvent: OnEvent): void;
  /** The body is over. What is left of it may be a last event. */
  finish(onEvent: OnEvent): void;
}
