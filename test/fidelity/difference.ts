import type { Message } from './message.ts';
import type { PaidFacts } from './scene.ts';

/** What is known when a message through the gateway is compared with the direct one. */
export interface Meeting {
  /** The message as it came through the gateway. */
  readonly actual: Message;
  /** The client's method and minor HTTP version, and the host it asked for. */
  readonly method: string;
  readonly minorVersion: 0 | 1;
  readonly host: string;
  readonly upstreamAuthority: string;
  /** What was paid, where the request was. */
  readonly paid: PaidFacts | undefined;
  /** Whether the answer was charged for: with `settle: after` success only. */
  readonly charged: boolean;
  /** Whether a page of another origin paid: the request has `Origin`. */
  readonly fromPage: boolean;
}

/** Something that the gateway does to messages, under the id that `docs/http.md` describes it by. */
export interface Difference {
  readonly id: string;
  readonly side: 'request' | 'answer';
  /**
   * Changes the direct message as the gateway should. Takes from the actual one only values that cannot be
   * predicted, after a check of their shape.
   */
  readonly apply: (draft: Message, meeting: Meeting) => void;
}

/** Makes a {@link Difference}. */
export function addressed(side: Difference['side'], id: string, apply: Difference['apply']): Difference {
  return { id, side, apply };
}

/** Takes away headers by their lower-case names. */
export function dropping(draft: Message, isGone: (name: string) => boolean): void {
  draft.headers = draft.headers.filter(([name]) => !isGone(name.toLowerCase()));
}

/** Adds a header behind all others. */
export function last(draft: Message, name: string, value: string): void {
  draft.headers.push([name, value]);
}

/** Where a header is, by its lower-case name; -1 where it is not. */
export function find({ headers }: Message, name: string): number {
  return headers.findIndex(([key]) => key.toLowerCase() === name);
}

/** A value of the actual message that has to look like this. */
export function keepOnly(actual: Message, name: string, shape: RegExp): string {
  const value = actual.headers[find(actual, name)]?.[1] ?? '';
  return shape.test(value) ? value : ` something like ${shape}`;
}
