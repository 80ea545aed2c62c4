import type { Charge, HeldReading } from '../domain/answer-reader.ts';
import { isRecord } from '../domain/exact-json.ts';
import type { Json } from '../domain/x402.ts';
import { isAnswer, parsed, readCallAnswer } from './call-answer.ts';
import { type CallCharge, chargeFor, MOST_ANSWER_BYTES } from './call-charge.ts';
import { EventSplitter, type StreamEvent } from './event-stream.ts';
import { isTaskNews } from './message.ts';

/**
 * Reads the event stream that answers a priced call. Progress, log lines and requests of the server are sent as they
 * come. The result is held until the money has moved. Other messages, such as answers to other calls, are not sent at
 * all.
 */
export class CallStream implements HeldReading {
  readonly kind = 'held';
  readonly maxBytes = MOST_ANSWER_BYTES;
  readonly #call: CallCharge;
  readonly #events = new EventSplitter();
  /** The event with the answer. */
  #answer: StreamEvent | undefined;

  constructor(call: CallCharge) {
    this.#call = call;
  }

  get heldBytes(): number {
    return this.#events.length + (this.#answer?.raw.length ?? 0);
  }

  get held(): Buffer {
    return Buffer.from(this.#answer?.raw ?? '', 'latin1');
  }

  pass(chunk: Buffer): readonly Uint8Array[] {
    const free = this.#events.push(chunk.toString('latin1')).filter((event) => this.#isFree(event));
    return free.length === 0 ? [] : [Buffer.from(free.map(({ raw }) => raw).join(''), 'latin1')];
  }

  charge(): Charge {
    const answer = readCallAnswer(this.held.toString('utf8'), true, this.#call.terms);
    return chargeFor(this.#call, answer, true);
  }

  refused(message: string): Uint8Array {
    return Buffer.from(`data: ${message}\n\n`, 'utf8');
  }

  /** Whether an event may go out unpaid. Keeps the one that answers the call. */
  #isFree(event: StreamEvent): boolean {
    const message = event.data === undefined ? undefined : parsed(event.data);
    if (this.#answer === undefined && isAnswer(message) && message['id'] === this.#call.terms.server) {
      this.#answer = event;
    }
    return event.isPlain && (event.data === undefined || isSaid(message));
  }
}

/**
 * Whether a message is a notification or a request of the server. Notifications of tasks do not count: they may hold
 * the result of a call.
 */
export function isSaid(message: Json | undefined): boolean {
  return (
    isRecord(message) && typeof message['method'] === 'string' && !isAnswer(message) && !isTaskNews(message['method'])
  );
}
