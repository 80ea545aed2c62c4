import type { BodyChange } from './body-change.ts';
import { parsed } from './call-answer.ts';
import { EventSplitter, type StreamEvent } from './event-stream.ts';
import { isWithheld, mayBeWithheld } from './unpaid-answer.ts';

/** Largest event that is searched, in characters. */
const MOST_EVENT = 4 * 1024 * 1024;

/**
 * Removes the results of priced calls from an unpaid stream: a client that resumes a stream with `Last-Event-ID` gets
 * the events that the server stored for it. A paid result is fetched by sending the payment again.
 */
export class UnpaidResults implements BodyChange {
  readonly waits = false;
  readonly #events = new EventSplitter();
  #broken = false;

  /** Takes the next bytes; returns what may go out. An event that does not end in time ends the stream. */
  pass(chunk: Buffer): readonly Buffer[] {
    if (this.#broken) return [];
    const events = this.#events.push(chunk.toString('latin1'));
    this.#broken = this.#events.length > MOST_EVENT;
    const out = events.filter((event) => !mayHoldResult(event)).map(({ raw }) => raw);
    return out.length === 0 ? [] : [Buffer.from(out.join(''), 'latin1')];
  }

  /** What is left at the end: an event that was not ended, which readers drop. */
  end(): readonly Buffer[] {
    return [];
  }
}

function mayHoldResult({ raw, data, isPlain }: StreamEvent): boolean {
  return mayBeWithheld(raw) && (!isPlain || (data !== undefined && isWithheld(parsed(data))));
}
